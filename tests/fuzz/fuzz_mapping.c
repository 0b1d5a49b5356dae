/* mapping/1 files for a small problem: any bytes are a mapping, legal or not, or an error. */
#include "core/mapping.h"
#include "cost/cost.h"
#include "tests/fuzz/fuzz_file.h"

static struct soc soc;
static struct workload workload;
static struct problem problem;

static void load_problem(void)
{
    struct cost_options options = { 0 };
    if (soc_load(&soc, "tests/invalid/base/soc.json", NULL) != ERR_OK ||
        workload_load(&workload, "tests/invalid/base/workload.json", NULL) != ERR_OK ||
        cost_build_problem(&soc, &workload, &options, &problem, NULL) != ERR_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct mapping_file file;
    int fd;
    if (problem.layer_count == 0)
        load_problem();
    const char *name = fuzz_file(bytes, count, &fd);
    if (mapping_load(&problem, name, &file, &err) == ERR_OK) {
        const struct schedule *times = file.schedule.layer_count ? &file.schedule : NULL;
        mapping_check(&problem, &file.mapping, times, file.granularity, &err);
        mapping_file_release(&file);
    }
    close(fd);
    return 0;
}
