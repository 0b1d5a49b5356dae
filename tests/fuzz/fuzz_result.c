/* result/1 files and convergence.csv of an output folder: any bytes are what `report` needs, or an
 * error with a place. */
#include <assert.h>

#include "reports/kept.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err of_json = ERR_INIT, of_csv = ERR_INIT;
    struct arena *arena = arena_new();
    struct report_kept kept;
    struct report_step *steps;
    size_t step_count;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (report_kept_load(&kept, name, arena, &of_json) == ERR_OK)
        assert(kept.soc && kept.workload && kept.mapper && kept.command);
    else
        assert(err_format(&of_json, line, sizeof line)[0]);
    if (report_convergence_load(name, &steps, &step_count, &of_csv) != ERR_OK)
        assert(of_csv.line > 0 || of_csv.code == ERR_LIMIT);
    free(steps);
    close(fd);
    arena_free(arena);
    return 0;
}
