/* dnn/1 files: any bytes are an error with a place, or a graph whose layers are costed. */
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_problem.h"

/* A workload of the graph: its file stands beside the graph's. */
static void check(const char *graph)
{
    static char file[80];
    struct err err = ERR_INIT;
    struct workload workload;
    if (!file[0]) {
        snprintf(file, sizeof file, "%s-workload", graph);
        FILE *out = fopen(file, "w");
        if (!out ||
            fprintf(out, "{\"socweave\": \"workload/1\", \"name\": \"w\", "
                         "\"networks\": [{\"graph\": \"file\", \"copies\": 2}]}") < 0 ||
            fclose(out) != 0)
            abort();
    }
    if (workload_load(&workload, file, &err) == ERR_OK) {
        fuzz_problem(fuzz_base_soc(), &workload);
        workload_release(&workload);
    } else {
        assert(err.code == ERR_LIMIT || err.code == ERR_OVERFLOW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct dnn dnn;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (dnn_load(&dnn, name, &err) == ERR_OK) {
        dnn_release(&dnn);
        check(name);
    } else {
        assert(err_format(&err, line, sizeof line)[0]);
    }
    close(fd);
    return 0;
}
