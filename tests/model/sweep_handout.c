/* The simulation of rank 0's loop against hand-computed times and against its bounds. */
#include <math.h>

#include "bench/handout/handout.h"
#include "tests/test.h"

/* docs/model.md M-130. One worker: start 1, there and back 2 + evaluation 10, receive 3 and keep 4
 * make 20 for each of three; the last commit 5 + 3 · 0.5, all in ms. No second passes. */
TEST(sweep_handout__one_worker__by_hand)
{
    const struct handout_load load = { 3, 3, 0.01, 0, 100 };
    const struct handout_service service = { 0.001, 0.003, 0.004, 0.005, 0.0005, 0.002 };
    struct handout_result r = handout_simulate(&load, &service, 1);
    CHECK_NEAR(0.0665, r.wall_s, 1e-12);
    CHECK_NEAR(0.03 / 0.0665, r.efficiency, 1e-12);
    CHECK_NEAR((3 * 8 + 6.5) / 66.5, r.rank_0_busy, 1e-12);
}

/* Two workers, batches of two: the jobs start at 0 and 1 (sent at 1 and 2), are back at 13 and 14;
 * the first is kept at 20, the second at 27; commit 5 + 2 · 0.5: 33 ms a batch. */
TEST(sweep_handout__two_workers_batches_of_two__by_hand)
{
    const struct handout_load load = { 4, 2, 0.01, 0, 100 };
    const struct handout_service service = { 0.001, 0.003, 0.004, 0.005, 0.0005, 0.002 };
    CHECK_NEAR(0.066, handout_simulate(&load, &service, 2).wall_s, 1e-12);
}

/* Commits come after 0.25 s, 256 rows, or 1 MiB: with 400 KiB each, every third row commits. */
TEST(sweep_handout__large_mappings__commit_early)
{
    const struct handout_load load = { 6, 6, 0.01, 0, 400 * 1024 };
    const struct handout_service service = { .commit_s = 1 };
    CHECK_NEAR(6 * 0.01 + 2, handout_simulate(&load, &service, 1).wall_s, 1e-12);
}

TEST(sweep_handout__durations__have_the_mean_and_the_variation)
{
    const struct handout_load load = { 0, 0, 2, 0.35, 0 };
    double sum = 0, squares = 0, n = 20000;
    for (uint64_t i = 0; i < 20000; i++) {
        double s = handout_duration_s(&load, i);
        CHECK(s > 0);
        sum += s;
        squares += s * s;
    }
    double mean = sum / n;
    CHECK_NEAR(2, mean, 0.02);
    CHECK_NEAR(0.35, sqrt(squares / n - mean * mean) / mean, 0.01);
}

/* docs/model.md M-130, M-131: no more than what rank 0, the turnaround, and the batch allow. */
TEST(sweep_handout__any_load__efficiency_within_its_bounds)
{
    const struct handout_service service = { 2e-6, 1e-5, 4e-6, 0.01, 2e-4, 0.001 };
    for (unsigned workers = 1; workers <= 4096; workers *= 4)
        for (uint64_t batch = 64; batch <= 16384; batch *= 4)
            for (double mean_s = 0.01; mean_s < 20; mean_s *= 10) {
                const struct handout_load load = { 4096, batch, mean_s, 0.35, 1000 };
                double e = handout_simulate(&load, &service, workers).efficiency;
                double rank_0_s = service.start_s + service.receive_s + service.keep_s +
                                  service.row_s + service.commit_s / 256;
                double mean = 0, longest = 0;
                for (uint64_t i = 0; i < load.evaluations; i++)
                    mean += handout_duration_s(&load, i) / 4096;
                for (uint64_t i = 0; i < batch && i < load.evaluations; i++)
                    longest = fmax(longest, handout_duration_s(&load, i));
                CHECK(e <= mean / (mean + service.turnaround_s) * (1 + 1e-9));
                CHECK(e <= mean / (workers * rank_0_s) * (1 + 1e-9));
                if (batch >= load.evaluations)
                    CHECK(e <= 4096 * mean / (workers * longest));
                if (workers == 1 && mean_s >= 10)
                    CHECK(e > 0.99); /* and it is no zero */
            }
}
