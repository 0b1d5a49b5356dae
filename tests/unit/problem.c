/* The problem's arrays against a plain walk over the workload. */
#include "core/problem.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fixture.h"
#include "tests/test.h"

static struct fixture_shape shape_of(uint64_t seed)
{
    return (struct fixture_shape){ .layers = 40,
                                   .networks = 1 + (unsigned)(seed % 4),
                                   .accelerators = 1 + (unsigned)(seed % 6),
                                   .edge_probability = 0.5,
                                   .finite_memory = seed % 2,
                                   .periodic = seed % 5 == 2 };
}

static const struct layer_shape *shape(const struct problem *p, uint32_t layer)
{
    return &workload_layer(p->workload, layer)->shape;
}

TEST(problem__layers__have_one_class_per_shape)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        struct fixture_shape wanted = shape_of(seed);
        test_seed(seed);
        fixture_random(&f, seed, &wanted);
        const struct problem *p = &f.problem;
        for (uint32_t a = 0; a < p->layer_count; a++) {
            CHECK(p->class_of[a] < p->class_count);
            CHECK(p->class_layer[p->class_of[a]] <= a);
            CHECK_INT(workload_network_of(p->workload, a), p->network_of[a]);
            for (uint32_t b = 0; b < a; b++)
                CHECK_INT(memcmp(shape(p, a), shape(p, b), sizeof *shape(p, a)) == 0,
                          p->class_of[a] == p->class_of[b]);
        }
        for (uint32_t i = 0; i < p->class_count; i++)
            CHECK_INT(i, p->class_of[p->class_layer[i]]);
        fixture_release(&f);
    }
}

TEST(problem__copies_of_a_network__share_classes_but_no_edges)
{
    struct fixture f;
    fixture_shipped(&f, "comb-small-low", "vision-light");
    const struct problem *p = &f.problem;
    CHECK_INT(2 * (54 + 53 + 58), p->layer_count);
    CHECK_INT(2 * (69 + 62 + 156), p->edge_count);
    CHECK(p->class_count < 54 + 53 + 58);
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++)
            CHECK_INT(p->network_of[layer], p->network_of[p->preds[e].layer]);
    fixture_release(&f);
}

TEST(problem__successors__mirror_predecessors)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        struct fixture_shape wanted = shape_of(seed);
        test_seed(seed);
        fixture_random(&f, seed, &wanted);
        const struct problem *p = &f.problem;
        size_t found = 0;
        CHECK_INT(p->edge_count, p->pred_begin[p->layer_count]);
        CHECK_INT(p->edge_count, p->succ_begin[p->layer_count]);
        for (uint32_t from = 0; from < p->layer_count; from++)
            for (uint32_t s = p->succ_begin[from]; s < p->succ_begin[from + 1]; s++) {
                const struct problem_edge *succ = &p->succs[s];
                CHECK(succ->layer > from);
                CHECK(s == p->succ_begin[from] || p->succs[s - 1].layer < succ->layer);
                for (uint32_t e = p->pred_begin[succ->layer]; e < p->pred_begin[succ->layer + 1];
                     e++)
                    found += p->preds[e].layer == from && p->preds[e].bytes == succ->bytes &&
                             p->preds[e].size_class == succ->size_class;
            }
        CHECK_INT(p->edge_count, found);
        fixture_release(&f);
    }
}

/* Ten accelerators on a homogeneous mesh: pairs differ in their distance alone, and the local
 * rates are equal. */
TEST(problem__homogeneous_mesh__has_one_pair_class_per_distance)
{
    struct fixture f;
    fixture_shipped(&f, "comb-large-low", "tiny");
    /* 4 x 2 places, all taken: distances 0 (local) to 4. */
    CHECK_INT(5, f.problem.pair_class_count);
    fixture_release(&f);
}

/* 2^50 bytes over links of 1 B/s would take 2^50 s = 2^90 ps. */
TEST(problem__times_beyond_the_clock__are_refused)
{
    static const char *const graph =
        "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", \"shape\": "
        "[1073741824, 1]}], \"layers\": [{\"name\": \"a\", \"op\": \"gemm\", \"extents\": {\"m\": "
        "1073741824, \"n\": 1048576, \"k\": 1}, \"inputs\": [\"x\"]}, {\"name\": \"b\", \"op\": "
        "\"gemm\", \"extents\": {\"m\": 1073741824, \"n\": 1, \"k\": 1048576}, \"inputs\": "
        "[\"a\"]}]}";
    static const char soc_text[] =
        "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"bus\", "
        "\"places\": 2, \"link_bytes_per_s\": 1}, \"accelerators\": [{\"name\": \"a\", \"count\": "
        "2, \"places\": [0, 1], \"clock_hz\": 1e12, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": "
        "\"systolic-ws\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 1e12}], \"memory\": "
        "[{\"name\": \"dram\", \"unlimited\": true}], \"energy\": {\"mac_pj\": 1, "
        "\"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, \"hop_pj_per_byte\": 1, "
        "\"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 1}}";
    struct fixture f;
    const char *dir = fixture_write(soc_text,
                                    "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": "
                                    "[{\"graph\": \"g0.json\"}]}",
                                    &graph, 1);
    char file[512];
    snprintf(file, sizeof file, "%s/soc.json", dir);
    CHECK_OK(soc_load(&f.soc, file, err));
    snprintf(file, sizeof file, "%s/workload.json", dir);
    CHECK_OK(workload_load(&f.workload, file, err));
    struct err why = ERR_INIT;
    CHECK_INT(ERR_OVERFLOW, problem_init(&f.problem, &f.soc, &f.workload, &why));
    CHECK_STR("w on s could take more than 2^60 ps (13 days)", why.text);
    workload_release(&f.workload);
    soc_release(&f.soc);
}
