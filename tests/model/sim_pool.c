/* Worker processes: same numbers for any count of them, and clear errors. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

#define MAPPINGS 50

struct batch {
    struct sim_problem p;
    struct mapping mappings[MAPPINGS];
    struct evaluation out[MAPPINGS];
};

static void batch_open(struct batch *batch)
{
    sim_problem_random(&batch->p, 7, 40);
    for (size_t i = 0; i < MAPPINGS; i++)
        sim_mapping_random(&batch->mappings[i], &batch->p.problem, i,
                           i % 2 == 0 ? MAPPING_BY_GROUP : MAPPING_BY_LAYER);
}

static void batch_close(struct batch *batch)
{
    for (size_t i = 0; i < MAPPINGS; i++)
        mapping_release(&batch->mappings[i]);
    sim_problem_release(&batch->p);
}

static enum err_code batch_run(struct batch *batch, struct sim_pool *pool, struct err *err)
{
    const struct evaluator *evaluator = sim_pool_evaluator(pool);
    memset(batch->out, 0, sizeof batch->out);
    return evaluator->evaluate(evaluator->ctx, batch->mappings, MAPPINGS, batch->out, err);
}

static bool has_children(void)
{
    return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

TEST(sim_pool__one_two_three_workers__same_numbers)
{
    struct batch batch;
    batch_open(&batch);
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        struct sim_pool *pool;
        CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_TILE, jobs, &pool, err));
        CHECK_STR("systemc", sim_pool_evaluator(pool)->name);
        for (int round = 0; round < 3; round++) {
            CHECK_OK(batch_run(&batch, pool, err));
            for (size_t i = 0; i < MAPPINGS; i++) {
                struct sim_options options = { .granularity = GRANULARITY_TILE };
                struct sim_result result;
                CHECK_OK(sim_run(&batch.p.problem, &batch.mappings[i], &options, &result, err));
                CHECK_INT(result.schedule.makespan_ps, batch.out[i].makespan_ps);
                CHECK(result.schedule.energy_pj == batch.out[i].energy_pj);
                sim_result_release(&result);
            }
        }
        sim_pool_free(pool);
        CHECK(!has_children());
    }
    batch_close(&batch);
}

TEST(sim_pool__fewer_mappings_than_workers__are_evaluated)
{
    struct batch batch;
    struct sim_pool *pool;
    batch_open(&batch);
    CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, 4, &pool, err));
    const struct evaluator *evaluator = sim_pool_evaluator(pool);
    CHECK_OK(evaluator->evaluate(evaluator->ctx, batch.mappings, 0, batch.out, err));
    CHECK_OK(evaluator->evaluate(evaluator->ctx, batch.mappings, 1, batch.out, err));
    CHECK(batch.out[0].makespan_ps > 0);
    sim_pool_free(pool);
    batch_close(&batch);
}

TEST(sim_pool__two_pools__are_freed_in_any_order)
{
    struct batch batch;
    struct sim_pool *first, *second;
    batch_open(&batch);
    CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, 2, &first, err));
    CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, 2, &second, err));
    sim_pool_free(first); /* the second one's workers hold copies of its sockets */
    CHECK_OK(batch_run(&batch, second, err));
    sim_pool_free(second);
    CHECK(!has_children());
    batch_close(&batch);
}

TEST(sim_pool__an_illegal_mapping__fails_alone_with_the_reason)
{
    struct batch batch;
    for (unsigned jobs = 1; jobs <= 3; jobs += 2) {
        struct err failure = ERR_INIT;
        struct sim_pool *pool;
        batch_open(&batch);
        CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, jobs, &pool, err));
        size_t count = batch.mappings[11].placement_count; /* by layer; the other way round */
        for (size_t i = 0; i < count / 2; i++) {
            struct placement *a = &batch.mappings[11].placements[i];
            struct placement *b = &batch.mappings[11].placements[count - 1 - i];
            struct placement swap = *a;
            *a = *b;
            *b = swap;
        }
        CHECK_INT(ERR_SIM, batch_run(&batch, pool, &failure));
        CHECK(strstr(failure.text, "never end") != NULL);
        for (size_t i = 0; i < 11; i++)
            CHECK(batch.out[i].makespan_ps > 0);
        mapping_copy(&batch.mappings[11], &batch.mappings[12]);
        CHECK_OK(batch_run(&batch, pool, err)); /* the pool is as good as before */
        CHECK_INT(batch.out[12].makespan_ps, batch.out[11].makespan_ps);
        sim_pool_free(pool);
        batch_close(&batch);
    }
}

/* Kills every child of this process; false if /proc does not tell them. */
static bool kill_children(int number)
{
    char path[64];
    int pid;
    bool any = false;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    while (file != NULL && fscanf(file, "%d", &pid) == 1)
        any = kill(pid, number) == 0 || any;
    if (file != NULL)
        fclose(file);
    return any;
}

TEST(sim_pool__workers_killed__is_a_clear_error_and_leaves_no_zombie)
{
    struct batch batch;
    struct err first = ERR_INIT, later = ERR_INIT;
    struct sim_pool *pool;
    batch_open(&batch);
    CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, 2, &pool, err));
    CHECK_OK(batch_run(&batch, pool, err));
    bool killed = kill_children(SIGKILL);
    if (killed) {
        CHECK_INT(ERR_SIM, batch_run(&batch, pool, &first));
        CHECK(strstr(first.text, "killed by signal 9") != NULL);
        CHECK_INT(ERR_SIM, batch_run(&batch, pool, &later));
        CHECK(strstr(later.text, "died in an earlier batch") != NULL);
    }
    sim_pool_free(pool);
    CHECK(!has_children());
    batch_close(&batch);
    if (!killed)
        test_skip("/proc does not list a process's children");
}

TEST(sim_pool__interrupt_of_the_terminal__does_not_reach_the_workers)
{
    struct batch batch;
    struct sim_pool *pool;
    batch_open(&batch);
    CHECK_OK(sim_pool_new(&batch.p.problem, GRANULARITY_LAYER, 2, &pool, err));
    CHECK_OK(batch_run(&batch, pool, err)); /* they have come so far as to ignore it */
    kill_children(SIGINT);
    CHECK_OK(batch_run(&batch, pool, err));
    sim_pool_free(pool);
    batch_close(&batch);
}
