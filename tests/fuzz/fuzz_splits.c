/* The splits of mapping/1 files (explore --splits): any bytes are an error, or a refined workload
 * with as many MACs, whose parts are costed. */
#include <assert.h>

#include "core/mapping.h"
#include "core/split.h"
#include "cost/cost.h"
#include "tests/fuzz/fuzz_file.h"

static struct soc soc;
static struct workload whole;

static uint64_t macs(const struct workload *workload)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < workload->layer_count; i++)
        sum += workload_layer(workload, i)->shape.macs;
    return sum;
}

static void check(const struct workload_split *splits, size_t count)
{
    struct cost_options options = { 0 };
    struct err err = ERR_INIT;
    struct workload refined;
    struct problem problem;
    if (workload_refine(&refined, &whole, splits, count, &err) != ERR_OK)
        abort(); /* the splits were checked */
    assert(macs(&refined) == macs(&whole) && refined.layer_count >= whole.layer_count + count);
    if (cost_build_problem(&soc, &refined, &options, &problem, &err) == ERR_OK)
        problem_release(&problem);
    else
        assert(err.code == ERR_INFEASIBLE);
    workload_release(&refined);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct workload_split *splits;
    size_t split_count;
    char line[2048];
    int fd;
    if (whole.layer_count == 0 &&
        (soc_load(&soc, "tests/invalid/base/soc.json", NULL) != ERR_OK ||
         workload_load(&whole, "tests/invalid/base/workload.json", NULL) != ERR_OK))
        abort();
    const char *name = fuzz_file(bytes, count, &fd);
    if (mapping_read_splits(&whole, name, arena, &splits, &split_count, &err) != ERR_OK)
        assert(err_format(&err, line, sizeof line)[0]);
    else if (split_count)
        check(splits, split_count);
    close(fd);
    arena_free(arena);
    return 0;
}
