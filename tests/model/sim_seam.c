/* The C side of the timing model: re-arming, errors, waveforms, worker processes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/file.h"
#include "sim/sim.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

#define RING_2 "\"topology\": \"ring\", \"places\": 2, \"link_bytes_per_s\": 1e12"

static const enum mapping_discipline disciplines[] = { MAPPING_BY_GROUP, MAPPING_BY_LAYER };

static uint64_t run(const struct problem *problem, const struct mapping *mapping,
                    enum granularity granularity)
{
    struct sim_options options = { .granularity = granularity };
    struct sim_result result;
    CHECK_OK(sim_run(problem, mapping, &options, &result, err));
    uint64_t makespan_ps = result.schedule.makespan_ps;
    sim_result_release(&result);
    return makespan_ps;
}

/* --- re-arming ------------------------------------------------------------------------------ */

TEST(sim__same_mapping_a_thousand_times__same_makespan)
{
    struct sim_problem p;
    struct mapping mapping[8];
    uint64_t first_ps[8];
    sim_problem_random(&p, 5, 60);
    for (size_t i = 0; i < 8; i++) {
        sim_mapping_random(&mapping[i], &p.problem, i, disciplines[i % 2]);
        first_ps[i] = run(&p.problem, &mapping[i], (enum granularity)(i / 2 % 2));
    }
    for (size_t i = 8; i < 1000; i++)
        CHECK_INT(first_ps[i % 8], run(&p.problem, &mapping[i % 8], (enum granularity)(i / 2 % 2)));
    for (size_t i = 0; i < 8; i++)
        mapping_release(&mapping[i]);
    sim_problem_release(&p);
}

TEST(sim__socs_in_turn__same_makespans)
{
    enum { SOCS = 6 };
    struct sim_problem p[SOCS];
    struct mapping mapping[SOCS];
    uint64_t first_ps[SOCS];
    for (size_t i = 0; i < SOCS; i++) {
        sim_problem_random(&p[i], 100 + i, 30);
        sim_mapping_random(&mapping[i], &p[i].problem, i, disciplines[i % 2]);
        first_ps[i] = run(&p[i].problem, &mapping[i], GRANULARITY_TILE);
    }
    for (size_t i = SOCS; i < 20 * SOCS; i++)
        CHECK_INT(first_ps[i % SOCS],
                  run(&p[i % SOCS].problem, &mapping[i % SOCS], GRANULARITY_TILE));
    for (size_t i = 0; i < SOCS; i++) {
        mapping_release(&mapping[i]);
        sim_problem_release(&p[i]);
    }
}

/* --- errors --------------------------------------------------------------------------------- */

/* A chain of two layers on one accelerator, 10 ps each. */
static void open_chain(struct sim_problem *p, struct mapping *mapping, uint64_t compute_ps)
{
    static const uint16_t on[] = { 0, 0 };
    sim_problem_open(p, &(struct sim_soc){ RING_2, .accelerators = 1, .places = 2 }, 2);
    sim_layer(p, 0, compute_ps, 1);
    sim_layer(p, 1, 10, 1);
    sim_edge(p, 0, 1, 5);
    sim_problem_close(p);
    sim_mapping(mapping, MAPPING_BY_LAYER, 2, on, NULL);
}

static void check_fails(const struct problem *problem, const struct mapping *mapping,
                        const char *text)
{
    struct sim_options options = { .granularity = GRANULARITY_LAYER };
    struct sim_result result;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_SIM, sim_run(problem, mapping, &options, &result, &err));
    CHECK_INT(ERR_SIM, err.code);
    if (strstr(err.text, text) == NULL)
        test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", text, err.text);
}

TEST(sim__order_against_the_edges__is_an_error_and_the_next_run_is_right)
{
    struct sim_problem p;
    struct mapping mapping;
    open_chain(&p, &mapping, 10);
    mapping.placements[0].layer = 1; /* waits for ever for layer 0, which stands behind it */
    mapping.placements[1].layer = 0;
    check_fails(&p.problem, &mapping, "2 layers never end");
    mapping.placements[0].layer = 0;
    mapping.placements[1].layer = 1;
    CHECK_INT(20, run(&p.problem, &mapping, GRANULARITY_LAYER));
    mapping_release(&mapping);
    sim_problem_release(&p);
}

TEST(sim__time_out_of_range__is_an_error_and_the_next_run_is_right)
{
    struct sim_problem p, endless;
    struct mapping mapping, endless_mapping;
    open_chain(&p, &mapping, 10);
    open_chain(&endless, &endless_mapping, (UINT64_C(1) << 61) + 1);
    for (int i = 0; i < 3; i++) {
        check_fails(&endless.problem, &endless_mapping, "longer than 2^61 ps");
        CHECK_INT(20, run(&p.problem, &mapping, GRANULARITY_LAYER));
    }
    mapping_release(&mapping);
    mapping_release(&endless_mapping);
    sim_problem_release(&p);
    sim_problem_release(&endless);
}

TEST(sim__service_out_of_range__is_an_error_and_the_next_run_is_right)
{
    /* A packet of 2^61 bytes at 1 ps per byte: found when the link is granted. */
    static const uint16_t on[] = { 0, 1 };
    struct sim_problem p;
    struct mapping mapping;
    sim_problem_open(&p, &(struct sim_soc){ RING_2, .accelerators = 2, .places = 2 }, 2);
    sim_edge(&p, 0, 1, UINT64_C(1) << 61);
    sim_problem_close(&p);
    sim_mapping(&mapping, MAPPING_BY_LAYER, 2, on, NULL);
    check_fails(&p.problem, &mapping, "longer than 2^61 ps");
    p.problem.preds[0].bytes = 7;
    CHECK_INT(1 + 7 + 1, run(&p.problem, &mapping, GRANULARITY_LAYER));
    mapping_release(&mapping);
    sim_problem_release(&p);
}

TEST(sim__many_long_runs__never_run_out_of_systemc_time)
{
    /* SystemC's clock runs on from one run to the next: 40 runs of 2^60 ps would pass 2^64. */
    struct sim_problem p;
    struct mapping mapping;
    open_chain(&p, &mapping, UINT64_C(1) << 60);
    for (int i = 0; i < 40; i++)
        CHECK_INT((UINT64_C(1) << 60) + 10, run(&p.problem, &mapping, GRANULARITY_LAYER));
    mapping_release(&mapping);
    sim_problem_release(&p);
}

/* --- waveform ------------------------------------------------------------------------------- */

TEST(sim__vcd__names_the_resources_and_ends_with_the_run)
{
    struct sim_problem p;
    struct mapping mapping;
    char *text;
    size_t bytes;
    char *file = file_join(test_temp_dir(), "wave.vcd");
    struct sim_options options = { .granularity = GRANULARITY_LAYER, .vcd = file };
    open_chain(&p, &mapping, 10);
    for (int i = 0; i < 2; i++) { /* also after other runs: its time starts at 0 */
        struct sim_result result;
        CHECK_OK(sim_run(&p.problem, &mapping, &options, &result, err));
        CHECK_INT(20, result.schedule.makespan_ps);
        sim_result_release(&result);
        CHECK_OK(file_read(file, &text, &bytes, err));
        CHECK(strstr(text, "$timescale") && strstr(text, "1 ps"));
        CHECK(strstr(text, "$scope module accelerator") && strstr(text, "$scope module a0"));
        CHECK(strstr(text, "\n#10\n") && strstr(text, "\n#20\n") && !strstr(text, "\n#21\n"));
        free(text);
        CHECK_INT(20, run(&p.problem, &mapping, GRANULARITY_LAYER));
    }
    mapping_release(&mapping);
    sim_problem_release(&p);
    free(file);
}

TEST(sim__vcd__any_name_will_do)
{
    struct sim_problem p;
    struct mapping mapping;
    struct sim_result result;
    char *file = file_join(test_temp_dir(), "wave");
    struct sim_options options = { .granularity = GRANULARITY_TILE, .vcd = file };
    open_chain(&p, &mapping, 10);
    CHECK_OK(sim_run(&p.problem, &mapping, &options, &result, err));
    CHECK_INT(0, access(file, R_OK));
    sim_result_release(&result);
    mapping_release(&mapping);
    sim_problem_release(&p);
    free(file);
}

TEST(sim__vcd_that_cannot_be_written__is_an_io_error)
{
    struct sim_problem p;
    struct mapping mapping;
    struct sim_result result;
    struct err err = ERR_INIT;
    char *file = file_join(test_temp_dir(), "no/such/folder.vcd");
    struct sim_options options = { .granularity = GRANULARITY_LAYER, .vcd = file };
    open_chain(&p, &mapping, 10);
    CHECK_INT(ERR_IO, sim_run(&p.problem, &mapping, &options, &result, &err));
    CHECK_INT(20, run(&p.problem, &mapping, GRANULARITY_LAYER));
    mapping_release(&mapping);
    sim_problem_release(&p);
    free(file);
}
