/* Bounds that know the load of links and local ports: docs/model.md M-103. That no random mapping
 * is below them tests/model/bounds.c sees to. */
#include "mapper/mapper.h"
#include "tests/model/sim_problem.h"
#include "tests/model/twin.h"
#include "tests/test.h"

/* Layers 0 … n - 1 of 10 ps on accelerator 0, layer n + i behind layer i on one of those from
 * `first` on; 100 bytes each, a picosecond a byte on every link. */
static void open_senders(struct sim_problem *p, const struct sim_soc *soc, uint32_t n,
                         uint32_t first)
{
    sim_problem_open(p, soc, 2 * n);
    for (uint32_t layer = 0; layer < 2 * n; layer++) {
        sim_layer(p, layer, 10, 2);
        for (uint32_t acc = 0; acc < soc->accelerators; acc++)
            if (layer < n ? acc != 0 : acc < first)
                sim_option(p, layer, acc, 0)->pes = 0;
    }
    for (uint32_t i = 0; i < n; i++)
        sim_edge(p, i, n + i, 100);
    sim_problem_close(p);
}

static void check_contended(const struct sim_problem *p, enum granularity granularity,
                            uint64_t low_ps, uint64_t high_ps)
{
    struct lower_bound bound = mapper_contended_bound(&p->problem, granularity);
    CHECK_STR("link load", bound.name);
    CHECK(bound.makespan_ps >= low_ps);
    CHECK(bound.makespan_ps <= high_ps);
}

TEST(bounds__three_packets_for_one_link__one_after_another)
{
    /* 10 to make, 3 · 100 on the bus, 10 to take; by tile the link is busy from the start of the
     * first layer to the end of the last at most. Uncontended: 10 + 100 + 10. */
    struct sim_problem p;
    const struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1000000000000",
        .accelerators = 2,
        .places = 2,
        .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 4",
    };
    open_senders(&p, &soc, 3, 1);
    CHECK_INT(120, mapper_lower_bound(&p.problem, GRANULARITY_LAYER).makespan_ps);
    check_contended(&p, GRANULARITY_LAYER, 320, 320);
    check_contended(&p, GRANULARITY_TILE, 300, 300);
    struct mapping mapping;
    struct twin *twin = twin_new(&p.problem);
    sim_mapping(&mapping, MAPPING_BY_LAYER, 6, (const uint16_t[]){ 0, 0, 0, 1, 1, 1 }, NULL);
    CHECK_INT(320, twin_run(twin, &mapping, GRANULARITY_LAYER));
    mapping_release(&mapping);
    twin_free(twin);
    sim_problem_release(&p);
}

TEST(bounds__packets_with_a_choice_of_links__prices_find_the_balance)
{
    /* Four packets from place 0 of a ring of three to 1 or 2, a link each: at best two on both,
     * 10 + 200 + 10. */
    struct sim_problem p;
    const struct sim_soc soc = {
        .network = "\"topology\": \"ring\", \"places\": 3, \"link_bytes_per_s\": 1000000000000",
        .accelerators = 3,
        .places = 3,
        .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 4",
    };
    open_senders(&p, &soc, 4, 1);
    check_contended(&p, GRANULARITY_LAYER, 216, 220);
    sim_problem_release(&p);
}

TEST(bounds__results_that_stay__wait_for_the_local_port)
{
    /* Everything on accelerator 0, whose port takes a byte in 2 ps: 10 + 3 · 200 + 10. */
    struct sim_problem p;
    static const uint64_t local_bytes_per_s[] = { 500000000000 };
    const struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 1, \"link_bytes_per_s\": 1000000000000",
        .accelerators = 1,
        .places = 1,
        .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 4",
        .local_bytes_per_s = local_bytes_per_s,
    };
    open_senders(&p, &soc, 3, 0);
    check_contended(&p, GRANULARITY_LAYER, 620, 620);
    sim_problem_release(&p);
}
