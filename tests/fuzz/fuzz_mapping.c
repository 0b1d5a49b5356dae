/* mapping/1 files for a small problem: any bytes are an error, or a mapping; what takes place by
 * the rules of time is legal in turn. */
#include "sim/sim.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_problem.h"

static struct problem problem;

static void check(const struct mapping_file *file)
{
    struct err err = ERR_INIT, of_run = ERR_INIT;
    const struct schedule *times = file->schedule.layer_count ? &file->schedule : NULL;
    struct schedule run;
    if (mapping_check(&problem, &file->mapping, times, file->granularity, &err) != ERR_OK)
        return;
    schedule_init(&run, problem.layer_count);
    uint64_t makespan_ps = analytic_schedule(&problem, &file->mapping, file->granularity, &run);
    assert(makespan_ps == run.makespan_ps);
    if (mapping_check(&problem, &file->mapping, &run, file->granularity, &of_run) != ERR_OK)
        abort();
    schedule_release(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct mapping_file file;
    int fd;
    if (problem.layer_count == 0 &&
        cost_build_problem(fuzz_base_soc(), fuzz_base_workload(), &(struct cost_options){ 0 },
                           &problem, NULL) != ERR_OK)
        abort();
    const char *name = fuzz_file(bytes, count, &fd);
    if (mapping_load(&problem, name, &file, &err) == ERR_OK) {
        check(&file);
        mapping_file_release(&file);
    }
    close(fd);
    return 0;
}
