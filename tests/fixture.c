#include "tests/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/rng.h"
#include "cost/cost.h"
#include "tests/test.h"

/* --- loading --------------------------------------------------------------------------------- */

static void load(struct fixture *f, const char *soc_file, const char *workload_file)
{
    const struct cost_options elastic = { .sharing = COST_SHARING_ELASTIC };
    CHECK_OK(soc_load(&f->soc, soc_file, err));
    CHECK_OK(workload_load(&f->workload, workload_file, err));
    CHECK_OK(cost_build_problem(&f->soc, &f->workload, &elastic, &f->problem, err));
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *file = file_join(dir, name);
    CHECK_OK(file_write(file, text, strlen(text), err));
    free(file);
}

const char *fixture_write(const char *soc_json, const char *workload_json,
                          const char *const *graph_jsons, size_t graph_count)
{
    const char *dir = test_temp_dir();
    for (size_t i = 0; i < graph_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "g%zu.json", i);
        write_file(dir, name, graph_jsons[i]);
    }
    write_file(dir, "soc.json", soc_json);
    write_file(dir, "workload.json", workload_json);
    return dir;
}

void fixture_from_text(struct fixture *f, const char *soc_json, const char *workload_json,
                       const char *const *graph_jsons, size_t graph_count)
{
    const char *dir = fixture_write(soc_json, workload_json, graph_jsons, graph_count);
    char *soc_file = file_join(dir, "soc.json");
    char *workload_file = file_join(dir, "workload.json");
    load(f, soc_file, workload_file);
    free(soc_file);
    free(workload_file);
}

void fixture_shipped(struct fixture *f, const char *soc, const char *workload)
{
    char soc_file[256], workload_file[256];
    snprintf(soc_file, sizeof soc_file, "soc-configs/%s.json", soc);
    snprintf(workload_file, sizeof workload_file, "dnn-graphs/workloads/%s.json", workload);
    load(f, test_path(soc_file), test_path(workload_file));
}

void fixture_release(struct fixture *f)
{
    problem_release(&f->problem);
    workload_release(&f->workload);
    soc_release(&f->soc);
}

/* --- random mappings ------------------------------------------------------------------------- */

struct random_mapping {
    const struct problem *problem;
    struct rng rng;
    uint32_t *ready; /* layers whose predecessors are all placed */
    size_t ready_count;
    uint32_t *waiting; /* [layer]: predecessors not placed yet */
    struct mapping *out;
    size_t placed;
};

static uint32_t take_ready(struct random_mapping *m, size_t at)
{
    uint32_t layer = m->ready[at];
    m->ready[at] = m->ready[--m->ready_count];
    return layer;
}

static void release_successors(struct random_mapping *m, uint32_t layer)
{
    const struct problem *p = m->problem;
    for (uint32_t edge = p->succ_begin[layer]; edge < p->succ_begin[layer + 1]; edge++)
        if (--m->waiting[p->succs[edge].layer] == 0)
            m->ready[m->ready_count++] = p->succs[edge].layer;
}

static void place(struct random_mapping *m, uint32_t layer, uint32_t group, uint32_t accelerator,
                  uint32_t option)
{
    m->out->placements[m->placed++] =
        (struct placement){ layer, group, (uint16_t)accelerator, (uint16_t)option };
}

static uint32_t random_accelerator(struct random_mapping *m, uint32_t layer)
{
    uint32_t count = (uint32_t)m->problem->accelerator_count;
    uint32_t accelerator = rng_below(&m->rng, count);
    while (problem_option_count(m->problem, layer, accelerator) == 0)
        accelerator = (accelerator + 1) % count; /* the problem has one for every layer */
    return accelerator;
}

static uint32_t random_option(struct random_mapping *m, uint32_t layer, uint32_t accelerator)
{
    return rng_below(&m->rng, (uint32_t)problem_option_count(m->problem, layer, accelerator));
}

/* One random layer, and as many others that are ready as a random size, PEs and bytes allow. */
static void place_group(struct random_mapping *m, uint32_t group, bool alone)
{
    const struct problem *p = m->problem;
    size_t first = m->placed;
    uint32_t layer = take_ready(m, rng_below(&m->rng, (uint32_t)m->ready_count));
    uint32_t acc = random_accelerator(m, layer), option = random_option(m, layer, acc);
    const struct soc_accelerator *accelerator = &p->soc->accelerators[acc];
    uint64_t pes = problem_option(p, layer, acc, option)->pes;
    uint64_t bytes = problem_option(p, layer, acc, option)->scratchpad_bytes;
    size_t size = alone ? 1 : 1 + rng_below(&m->rng, accelerator->shared_layers_max);
    place(m, layer, group, acc, option);
    for (size_t i = 0; i < m->ready_count && m->placed - first < size;) {
        if (problem_option_count(p, m->ready[i], acc) == 0) {
            i++;
            continue;
        }
        option = random_option(m, m->ready[i], acc);
        const struct layer_option *cost = problem_option(p, m->ready[i], acc, option);
        if (pes + cost->pes > soc_pes(accelerator) ||
            bytes + cost->scratchpad_bytes > accelerator->scratchpad_bytes) {
            i++;
            continue;
        }
        pes += cost->pes;
        bytes += cost->scratchpad_bytes;
        place(m, take_ready(m, i), group, acc, option);
    }
    for (size_t i = first; i < m->placed; i++)
        release_successors(m, m->out->placements[i].layer);
}

void fixture_random_mapping(const struct problem *problem, uint64_t seed,
                            enum mapping_discipline discipline, struct mapping *out)
{
    struct random_mapping m = { .problem = problem,
                                .rng = rng_stream(seed, 0x3a9, (uint64_t)discipline),
                                .out = out };
    mapping_init(out, problem->layer_count);
    out->discipline = discipline;
    m.ready = calloc(problem->layer_count, sizeof *m.ready);
    m.waiting = calloc(problem->layer_count, sizeof *m.waiting);
    for (uint32_t layer = 0; layer < problem->layer_count; layer++) {
        m.waiting[layer] = problem->pred_begin[layer + 1] - problem->pred_begin[layer];
        if (m.waiting[layer] == 0)
            m.ready[m.ready_count++] = layer;
    }
    for (uint32_t group = 0; m.placed < problem->layer_count; group++)
        place_group(&m, group, discipline == MAPPING_BY_LAYER);
    free(m.ready);
    free(m.waiting);
    CHECK_OK(mapping_check(problem, out, NULL, GRANULARITY_LAYER, err));
}
