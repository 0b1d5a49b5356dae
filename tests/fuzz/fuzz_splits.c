/* The splits of mapping/1 files (explore --splits): any bytes are an error, or a refined workload
 * with as many MACs, whose parts are costed. */
#include "core/mapping.h"
#include "core/split.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_problem.h"

static uint64_t macs(const struct workload *workload)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < workload->layer_count; i++)
        sum += workload_layer(workload, i)->shape.macs;
    return sum;
}

static void check(const struct workload *whole, const struct workload_split *splits, size_t count)
{
    struct err err = ERR_INIT;
    struct workload refined;
    if (workload_refine(&refined, whole, splits, count, &err) != ERR_OK)
        abort(); /* the splits were checked */
    assert(macs(&refined) == macs(whole) && refined.layer_count >= whole->layer_count + count);
    fuzz_problem(fuzz_base_soc(), &refined);
    workload_release(&refined);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    const struct workload *whole = fuzz_base_workload();
    struct workload_split *splits;
    size_t split_count;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (mapping_read_splits(whole, name, arena, &splits, &split_count, &err) != ERR_OK)
        assert(err_format(&err, line, sizeof line)[0]);
    else if (split_count)
        check(whole, splits, split_count);
    close(fd);
    arena_free(arena);
    return 0;
}
