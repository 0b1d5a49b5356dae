/* soc/1 files: any bytes are an error with a place, or a SoC on which layers cost something. */
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct soc soc;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (soc_load(&soc, name, &err) == ERR_OK) {
        fuzz_problem(&soc, fuzz_base_workload());
        soc_release(&soc);
    } else {
        assert(err_format(&err, line, sizeof line)[0]);
    }
    close(fd);
    return 0;
}
