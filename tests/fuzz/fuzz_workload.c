/* workload/1 files: any bytes are an error with a place, or a workload whose layers are costed. */
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct workload workload;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (workload_load(&workload, name, &err) == ERR_OK) {
        fuzz_problem(fuzz_base_soc(), &workload);
        workload_release(&workload);
    } else {
        assert(err_format(&err, line, sizeof line)[0]);
    }
    close(fd);
    return 0;
}
