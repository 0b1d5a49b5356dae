/* The judge of legality: rule by rule to the picosecond, and against a naive judge at random. */
#include "core/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* --- a problem small enough to read ----------------------------------------------------------- */

/*
 * Layers 0 a, 1 b, 2 c, 3 d; a feeds b and c, both feed d. Products of 16 x 16 x 16 on arrays of
 * 8 x 8 PEs; 256 B results; "left" and "right" are one link of 1 GB/s apart: 256 ns.
 */
#define PRODUCT(name, inputs)                                                                      \
    "{\"name\": \"" name "\", \"op\": \"gemm\", \"extents\": {\"m\": 16, \"n\": 16, \"k\": 16}, "  \
    "\"inputs\": [" inputs "]}"
static const char *const small_graph =
    "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", \"shape\": [16, "
    "16]}], \"layers\": [" PRODUCT("a", "\"x\"") "," PRODUCT("b", "\"a\"") "," PRODUCT(
        "c", "\"a\"") "," PRODUCT("d", "\"b\", \"c\"") "]}";
static const char small_soc[] =
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"ring\", \"places\": "
    "2, \"link_bytes_per_s\": 1e9}, \"accelerators\": [{\"name\": \"left\", \"place\": 0, "
    "\"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": \"systolic-ws\", "
    "\"supports\": [\"gemm\"], \"scratchpad_bytes\": 4096, \"shared_layers_max\": 2}, {\"name\": "
    "\"right\", \"place\": 1, \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": "
    "\"systolic-ws\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 4096, "
    "\"shared_layers_max\": 2}, {\"name\": \"pool\", \"place\": 1, \"clock_hz\": 1e9, "
    "\"pe_rows\": 1, \"pe_cols\": 1, \"dataflow\": \"systolic-ws\", \"supports\": [\"pool\"], "
    "\"scratchpad_bytes\": 4096}], \"memory\": [{\"name\": \"dram\", \"unlimited\": true}], "
    "\"energy\": {\"mac_pj\": 1, \"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, "
    "\"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 1}}";

enum { A, B, C, D, LEFT = 0, RIGHT = 1, POOL = 2 };
#define LINK_PS 256000

struct small {
    struct fixture f;
    const struct problem *p;
    struct mapping mapping;
    struct schedule schedule;
    uint64_t run_ps;    /* of any of the layers with its widest allotment */
    uint16_t narrowest; /* option with the fewest PEs */
};

static void small_init(struct small *s)
{
    fixture_from_text(&s->f, small_soc,
                      "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
                      "\"g0.json\"}]}",
                      &small_graph, 1);
    s->p = &s->f.problem;
    s->run_ps = problem_option(s->p, A, LEFT, 0)->compute_ps;
    s->narrowest = (uint16_t)(problem_option_count(s->p, A, LEFT) - 1);
    mapping_init(&s->mapping, 4);
    schedule_init(&s->schedule, 4);
}

static void small_release(struct small *s)
{
    mapping_release(&s->mapping);
    schedule_release(&s->schedule);
    fixture_release(&s->f);
}

/* By layer, all on the left, one after the other. */
static void in_a_row(struct small *s)
{
    s->mapping.discipline = MAPPING_BY_LAYER;
    for (uint32_t layer = 0; layer < 4; layer++) {
        s->mapping.placements[layer] = (struct placement){ layer, layer, LEFT, 0 };
        s->schedule.start_ps[layer] = layer * s->run_ps;
        s->schedule.end_ps[layer] = (layer + 1) * s->run_ps;
    }
    s->schedule.makespan_ps = 4 * s->run_ps;
}

/* By group: a | b c | d, with b and c side by side in half of the array or less each. */
static void in_groups(struct small *s)
{
    static const uint32_t groups[] = { 0, 1, 1, 2 };
    in_a_row(s);
    s->mapping.discipline = MAPPING_BY_GROUP;
    for (uint32_t layer = 0; layer < 4; layer++) {
        s->mapping.placements[layer].group = groups[layer];
        s->mapping.placements[layer].option = layer == B || layer == C ? s->narrowest : 0;
    }
    uint64_t slow_ps = problem_option(s->p, B, LEFT, s->narrowest)->compute_ps;
    uint64_t group_end_ps = s->run_ps + slow_ps;
    s->schedule.start_ps[B] = s->schedule.start_ps[C] = s->run_ps;
    s->schedule.end_ps[B] = s->schedule.end_ps[C] = group_end_ps;
    s->schedule.start_ps[D] = group_end_ps;
    s->schedule.end_ps[D] = s->schedule.makespan_ps = group_end_ps + s->run_ps;
}

static void check_legal(const struct small *s)
{
    CHECK_OK(mapping_check(s->p, &s->mapping, &s->schedule, GRANULARITY_LAYER, err));
}

static void check_broken(const struct small *s, const char *words)
{
    struct err why = ERR_INIT;
    CHECK_INT(ERR_MAPPING, mapping_check(s->p, &s->mapping, &s->schedule, GRANULARITY_LAYER, &why));
    if (!strstr(why.text, words))
        CHECK_STR(words, why.text);
}

#define SMALL_TEST(name)                                                                           \
    static void name##_body(struct small *s);                                                      \
    TEST(name)                                                                                     \
    {                                                                                              \
        struct small s;                                                                            \
        small_init(&s);                                                                            \
        name##_body(&s);                                                                           \
        small_release(&s);                                                                         \
    }                                                                                              \
    static void name##_body(struct small *s)

/* --- rules without times ---------------------------------------------------------------------- */

SMALL_TEST(mapping_check__layer_twice__is_named)
{
    in_a_row(s);
    s->mapping.placements[2].layer = B;
    check_broken(s, "layer g/b is placed twice");
}

SMALL_TEST(mapping_check__layer_missing__is_named)
{
    in_a_row(s);
    s->mapping.placement_count = 3;
    check_broken(s, "layer g/d is not placed");
    s->mapping.placement_count = 4;
}

SMALL_TEST(mapping_check__number_that_is_no_layer__is_refused)
{
    in_a_row(s);
    s->mapping.placements[3].layer = 4;
    check_broken(s, "placement 3 has layer number 4, there are 4 layers");
}

SMALL_TEST(mapping_check__accelerator__must_exist_and_support_the_layer)
{
    in_a_row(s);
    s->mapping.placements[1].accelerator = 3;
    check_broken(s, "layer g/b is on accelerator number 3, there are 3");
    s->mapping.placements[1].accelerator = POOL;
    check_broken(s, "layer g/b is on accelerator pool, which does not support it");
}

SMALL_TEST(mapping_check__option__must_exist)
{
    in_a_row(s);
    s->mapping.placements[1].option = (uint16_t)(s->narrowest + 1);
    check_broken(s, "layer g/b has allotment number");
}

SMALL_TEST(mapping_check__consumer_before_producer__is_refused)
{
    in_a_row(s);
    s->mapping.placements[0].layer = B;
    s->mapping.placements[1].layer = A;
    check_broken(s, "layer g/b stands before layer g/a, whose result it needs");
}

SMALL_TEST(mapping_check__group_numbers__ascend_without_a_gap)
{
    in_a_row(s);
    s->mapping.placements[3].group = 4;
    check_broken(s, "layer g/d has group number 4, expected 3");
    s->mapping.placements[3].group = 0;
    check_broken(s, "layer g/d has group number 0, expected 3");
    s->mapping.placements[3].group = 2;
    check_broken(s, "layer g/d shares group 2; by layer, groups are single layers");
}

SMALL_TEST(mapping_check__group__has_one_accelerator)
{
    in_groups(s);
    check_legal(s);
    s->mapping.placements[2].accelerator = RIGHT;
    check_broken(s, "group 1 is spread: layer g/b is on left, layer g/c on right");
}

SMALL_TEST(mapping_check__group__has_no_dependent_layers)
{
    in_groups(s);
    s->mapping.placements[3].group = 1;
    check_broken(s, "layer g/d is in one group with layer g/b, whose result it needs");
}

SMALL_TEST(mapping_check__group__keeps_to_the_pes)
{
    in_groups(s);
    s->mapping.placements[1].option = s->mapping.placements[2].option = 0;
    check_broken(s, "with layer g/c, accelerator left needs 128 PEs in group 1, it has 64");
}

SMALL_TEST(mapping_check__group__keeps_to_the_scratchpad)
{
    in_groups(s);
    struct layer_option *of_b =
        &s->f.problem.options[(size_t)s->p->class_of[B] * 3 + LEFT].items[s->narrowest];
    of_b->scratchpad_bytes = 2048; /* c is of the same class */
    check_legal(s);
    of_b->scratchpad_bytes = 2049;
    check_broken(s, "with layer g/c, accelerator left needs 4098 bytes of scratchpad in group 1, "
                    "it has 4096");
}

SMALL_TEST(mapping_check__group__keeps_to_the_share_limit)
{
    in_groups(s);
    s->f.soc.accelerators[LEFT].shared_layers_max = 1;
    check_broken(s,
                 "accelerator left runs 2 layers at once in group 1, it may share itself among 1");
}

/* --- rules with times ------------------------------------------------------------------------- */

SMALL_TEST(mapping_check__duration__is_at_least_the_computation)
{
    in_a_row(s);
    check_legal(s);
    s->schedule.end_ps[D]--;
    check_broken(s, "ps on accelerator left, it takes at least");
    s->schedule.end_ps[D] = s->schedule.start_ps[D] - 1;
    check_broken(s, "layer g/d runs from");
}

SMALL_TEST(mapping_check__input_over_the_network__must_have_arrived)
{
    in_a_row(s);
    s->mapping.placements[3].accelerator = RIGHT;
    s->schedule.start_ps[D] = 3 * s->run_ps + LINK_PS;
    s->schedule.end_ps[D] = s->schedule.makespan_ps = s->schedule.start_ps[D] + s->run_ps;
    check_legal(s);
    s->schedule.start_ps[D]--;
    check_broken(s, "on accelerator right, the result of layer g/c can be there at");
}

/* By group b leaves with its group, even if it has ended before. */
SMALL_TEST(mapping_check__result_of_a_group__leaves_when_all_have_ended)
{
    in_groups(s);
    s->schedule.end_ps[C] += 1000;
    s->schedule.start_ps[D] += 1000;
    s->schedule.end_ps[D] += 1000;
    s->schedule.makespan_ps += 1000;
    check_legal(s);
    s->schedule.start_ps[D]--;
    check_broken(s, "the result of layer g/b can be there at");
}

SMALL_TEST(mapping_check__group__starts_after_the_one_before)
{
    in_groups(s);
    /* b alone, then c: independent, but on one accelerator. */
    s->mapping.placements[2].group = 2;
    s->mapping.placements[3].group = 3;
    uint64_t slow_ps = s->schedule.end_ps[B] - s->schedule.start_ps[B];
    for (unsigned layer = C; layer <= D; layer++) {
        s->schedule.start_ps[layer] += slow_ps;
        s->schedule.end_ps[layer] += slow_ps;
    }
    s->schedule.makespan_ps += slow_ps;
    check_legal(s);
    s->schedule.start_ps[C]--;
    check_broken(s, "layer g/c starts at");
    check_broken(s, "where the group before ends at");
}

SMALL_TEST(mapping_check__by_layer__starts_are_in_the_listed_order)
{
    in_groups(s);
    s->mapping.discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < 4; i++)
        s->mapping.placements[i].group = i;
    check_legal(s); /* b and c start together */
    s->schedule.start_ps[B]++;
    s->schedule.end_ps[B]++;
    s->schedule.start_ps[D]++;
    s->schedule.end_ps[D]++;
    s->schedule.makespan_ps++;
    check_broken(s, "layer g/c starts at");
    check_broken(s, "where the layer listed before it starts at");
}

/* Intervals are half open: what ends now has made room for what starts now. */
SMALL_TEST(mapping_check__instant__counts_what_overlaps)
{
    in_a_row(s);
    s->schedule.end_ps[B]++;
    check_broken(s, "with layer g/c, accelerator left needs 128 PEs at ps ");
}

SMALL_TEST(mapping_check__makespan__covers_every_end)
{
    in_a_row(s);
    s->schedule.makespan_ps--;
    check_broken(s, "the makespan is");
}

SMALL_TEST(mapping_check__result_in_memory__is_part_of_the_makespan)
{
    in_a_row(s);
    s->f.problem.options[(size_t)s->p->class_of[D] * 3 + LEFT].items[0].memory_write_ps = 500;
    check_broken(s, "the result of layer g/d can be in memory at");
    s->schedule.makespan_ps += 500;
    check_legal(s);
}

SMALL_TEST(mapping_check__tile_granularity__waits_for_the_first_tile_alone)
{
    in_a_row(s);
    s->mapping.placements[3].accelerator = RIGHT;
    uint32_t tiles = problem_option(s->p, D, RIGHT, 0)->tiles;
    CHECK(tiles > 1);
    /* The first packet has floor(256 / tiles) bytes at 1 ns each. */
    s->schedule.start_ps[D] = 3 * s->run_ps + 256 / tiles * 1000;
    s->schedule.end_ps[D] = s->schedule.makespan_ps = s->schedule.start_ps[D] + s->run_ps;
    check_broken(s, "the result of layer g/b can be there at");
    CHECK_OK(mapping_check(s->p, &s->mapping, &s->schedule, GRANULARITY_TILE, err));
    s->schedule.start_ps[D]--;
    CHECK_INT(ERR_MAPPING, mapping_check(s->p, &s->mapping, &s->schedule, GRANULARITY_TILE, NULL));
}

SMALL_TEST(mapping_check__schedule_of_another_size__is_refused)
{
    in_a_row(s);
    s->schedule.layer_count = 3;
    check_broken(s, "the schedule has 3 layers, the workload 4");
}

/* --- against a naive judge -------------------------------------------------------------------- */

struct naive {
    const struct problem *p;
    const struct mapping *m;
    const struct schedule *t;
    enum granularity granularity;
};

static const struct layer_option *option_of(const struct naive *n, size_t i)
{
    const struct placement *at = &n->m->placements[i];
    return problem_option(n->p, at->layer, at->accelerator, at->option);
}

static size_t position_of(const struct naive *n, uint32_t layer)
{
    size_t i = 0;
    while (n->m->placements[i].layer != layer)
        i++;
    return i;
}

static bool structure_is_legal(const struct naive *n)
{
    const struct placement *at = n->m->placements;
    if (n->m->placement_count != n->p->layer_count)
        return false;
    for (size_t i = 0; i < n->m->placement_count; i++) {
        if (at[i].layer >= n->p->layer_count || at[i].accelerator >= n->p->accelerator_count)
            return false;
        if (at[i].option >= problem_option_count(n->p, at[i].layer, at[i].accelerator))
            return false;
        for (size_t j = 0; j < i; j++)
            if (at[j].layer == at[i].layer)
                return false;
        uint32_t before = i == 0 ? 0 : at[i - 1].group;
        bool next = i > 0 && at[i].group == before + 1;
        bool same = at[i].group == before && (i == 0 || n->m->discipline == MAPPING_BY_GROUP);
        if (!next && !same)
            return false;
    }
    return true;
}

/* Members of every group, whole: pairs, then sums. */
static bool groups_are_legal(const struct naive *n)
{
    const struct placement *at = n->m->placements;
    for (size_t i = 0; i < n->m->placement_count; i++) {
        uint64_t pes = 0, bytes = 0, layers = 0;
        for (size_t j = 0; j < n->m->placement_count; j++) {
            if (at[j].group != at[i].group)
                continue;
            if (at[j].accelerator != at[i].accelerator)
                return false;
            pes += option_of(n, j)->pes;
            bytes += option_of(n, j)->scratchpad_bytes;
            layers++;
        }
        const struct soc_accelerator *acc = &n->p->soc->accelerators[at[i].accelerator];
        if (pes > soc_pes(acc) || bytes > acc->scratchpad_bytes || layers > acc->shared_layers_max)
            return false;
        for (uint32_t e = n->p->pred_begin[at[i].layer]; e < n->p->pred_begin[at[i].layer + 1];
             e++) {
            size_t pred = position_of(n, n->p->preds[e].layer);
            if (pred > i || at[pred].group == at[i].group)
                return false;
        }
    }
    return true;
}

static uint64_t leave_of(const struct naive *n, size_t i)
{
    uint64_t leave_ps = n->t->end_ps[n->m->placements[i].layer];
    for (size_t j = 0; j < n->m->placement_count && n->m->discipline == MAPPING_BY_GROUP; j++)
        if (n->m->placements[j].group == n->m->placements[i].group)
            leave_ps = max_u64(leave_ps, n->t->end_ps[n->m->placements[j].layer]);
    return leave_ps;
}

static bool times_of_one_are_legal(const struct naive *n, size_t i)
{
    const struct placement *at = n->m->placements;
    const struct layer_option *option = option_of(n, i);
    uint64_t start_ps = n->t->start_ps[at[i].layer], end_ps = n->t->end_ps[at[i].layer];
    bool whole = n->granularity == GRANULARITY_LAYER;
    if (end_ps < start_ps + option->compute_ps ||
        (whole && end_ps < start_ps + option->memory_read_ps) || n->t->makespan_ps < end_ps ||
        (whole && n->t->makespan_ps < leave_of(n, i) + option->memory_write_ps))
        return false;
    if (start_ps < n->p->workload->networks[n->p->network_of[at[i].layer]].release_ps)
        return false;
    for (uint32_t e = n->p->pred_begin[at[i].layer]; e < n->p->pred_begin[at[i].layer + 1]; e++) {
        size_t pred = position_of(n, n->p->preds[e].layer);
        uint64_t bytes = n->p->preds[e].bytes / (whole ? 1 : option->tiles);
        if (start_ps <
            leave_of(n, pred) +
                problem_transfer_bytes_ps(n->p, bytes, at[pred].accelerator, at[i].accelerator))
            return false;
    }
    return true;
}

/* Everything that runs on the accelerator at the instant when placement i starts; and its turn. */
static bool instant_is_legal(const struct naive *n, size_t i)
{
    const struct placement *at = n->m->placements;
    const struct soc_accelerator *acc = &n->p->soc->accelerators[at[i].accelerator];
    uint64_t now_ps = n->t->start_ps[at[i].layer];
    uint64_t pes = 0, bytes = 0, layers = 0;
    for (size_t j = 0; j < n->m->placement_count; j++) {
        if (at[j].accelerator != at[i].accelerator)
            continue;
        bool by_group = n->m->discipline == MAPPING_BY_GROUP;
        if (by_group && at[j].group < at[i].group && now_ps < n->t->end_ps[at[j].layer])
            return false;
        if (!by_group && j < i && now_ps < n->t->start_ps[at[j].layer])
            return false;
        if (n->t->start_ps[at[j].layer] > now_ps || n->t->end_ps[at[j].layer] <= now_ps)
            continue;
        pes += option_of(n, j)->pes;
        bytes += option_of(n, j)->scratchpad_bytes;
        layers++;
    }
    return pes <= soc_pes(acc) && bytes <= acc->scratchpad_bytes &&
           layers <= acc->shared_layers_max;
}

static bool is_legal(const struct naive *n)
{
    if (!structure_is_legal(n) || !groups_are_legal(n))
        return false;
    for (size_t i = 0; i < n->m->placement_count; i++)
        if (!times_of_one_are_legal(n, i) || !instant_is_legal(n, i))
            return false;
    return true;
}

/* One small change that may or may not break a rule. */
static void spoil(struct rng *rng, struct mapping *m, struct schedule *t)
{
    uint32_t count = (uint32_t)m->placement_count;
    struct placement *a = &m->placements[rng_below(rng, count)];
    struct placement *b = &m->placements[rng_below(rng, count)];
    uint32_t layer = a->layer;
    uint64_t step_ps = rng_below(rng, 2) ? 1 : rng_below(rng, 1000000);
    switch (rng_below(rng, 9)) {
    case 0:
        a->layer = b->layer;
        b->layer = layer;
        break;
    case 1:
        a->accelerator = b->accelerator;
        break;
    case 2:
        a->option++;
        break;
    case 3:
        a->group++;
        break;
    case 4:
        for (; a < m->placements + count; a++)
            a->group++;
        break;
    case 5:
        t->end_ps[layer] += step_ps;
        break;
    case 6:
        t->start_ps[layer] -= min_u64(step_ps, t->start_ps[layer]);
        break;
    case 7:
        t->start_ps[layer] += step_ps;
        t->end_ps[layer] += step_ps;
        t->makespan_ps += step_ps;
        break;
    default:
        t->makespan_ps -= min_u64(step_ps, t->makespan_ps);
    }
}

TEST(mapping_check__spoilt_mappings__are_judged_as_by_the_naive_judge)
{
    unsigned legal = 0, illegal = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fixture f;
        struct fixture_shape shape = { .layers = 14, .networks = 2, .edge_probability = 0.4 };
        struct rng rng = rng_stream(seed, 3, 0);
        shape.accelerators = 1 + (unsigned)(seed % 4);
        shape.finite_memory = seed % 3 == 0;
        shape.periodic = seed % 5 == 2;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        for (unsigned round = 0; round < 80; round++) {
            struct mapping mapping;
            struct schedule schedule;
            enum granularity granularity = (enum granularity)(round / 2 % 2);
            fixture_random_mapping(&f.problem, seed + 1000 * round,
                                   (enum mapping_discipline)(round % 2), &mapping);
            schedule_init(&schedule, f.problem.layer_count);
            analytic_schedule(&f.problem, &mapping, granularity, &schedule);
            spoil(&rng, &mapping, &schedule);
            struct naive naive = { &f.problem, &mapping, &schedule, granularity };
            struct err why = ERR_INIT;
            bool judged =
                mapping_check(&f.problem, &mapping, &schedule, granularity, &why) == ERR_OK;
            if (judged != is_legal(&naive))
                test_fail(__FILE__, __LINE__, "round %u: naive judge: %s, mapping_check: %s", round,
                          judged ? "illegal" : "legal", judged ? "legal" : why.text);
            legal += judged;
            illegal += !judged;
            mapping_release(&mapping);
            schedule_release(&schedule);
        }
        fixture_release(&f);
    }
    CHECK(legal > 500 && illegal > 1500);
}
