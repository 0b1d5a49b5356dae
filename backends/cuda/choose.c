#include "backends/cuda/choose.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"

/* Assumed, and the same for all choices, so they move the order little. Cycles of an SM's clock. */
#define LATENCY_CYCLES      800 /* a load from memory until it can be used */
#define STAGING_BYTES_CYCLE 64  /* second-level cache to one SM */
#define COPY_INSTRUCTIONS   20  /* per piece: tables, guards, address, copy */
#define STORE_INSTRUCTIONS  24  /* per result: tables, epilogue, store */
#define PAIR_INSTRUCTIONS   2   /* per result that leaves as it is, two by two */
#define LANES_CYCLE         128 /* threads whose instructions an SM issues in a cycle */
#define LAUNCH_NS           3000
#define BLOCKS_MAX          32 /* of an SM; CUDA C++ Programming Guide, compute capabilities */
#define LAUNCH_BLOCKS_MAX   (INT32_MAX / 8)

/* --- the device ----------------------------------------------------------------------------- */

/*
 * f16 multiply-adds per cycle and SM, dense: A100 312 TFLOP/s of 108 SMs at 1.41 GHz, L40S 362 of
 * 142 at 2.52, H100 SXM 989 of 132 at 1.83 (NVIDIA data sheets). Others: as their family.
 */
static const struct {
    unsigned capability;
    double macs;
} dense_rates[] = { { 80, 1024 }, { 86, 512 }, { 87, 512 }, { 89, 512 }, { 90, 2048 } };

double cuda_dense_macs_per_cycle(const struct cuda_facts *facts, uint32_t element_bytes)
{
    double macs = 512;
    for (size_t at = 0; at < sizeof dense_rates / sizeof *dense_rates; at++)
        if (facts->major * 10 + facts->minor >= dense_rates[at].capability)
            macs = dense_rates[at].macs;
    return element_bytes == 1 ? 2 * macs : macs;
}

/* Share of the dense rate that each instruction can reach on 9.0; before it mma.sync was all there
 * was. wmma's is assumed to be half of mma.sync's. Source: intrinsics/intrin_table.c. */
static double reach(const struct cuda_row *row, const struct cuda_facts *facts)
{
    double mma = facts->major >= 9 ? 0.64 : 0.9;
    switch (row->engine) {
    case CUDA_WMMA:
        return mma / 2;
    case CUDA_MMA:
        return mma;
    default:
        return 0.96;
    }
}

bool cuda_row_runs_on(const struct cuda_row *row, const struct cuda_facts *facts)
{
    unsigned capability = facts->major * 10 + facts->minor;
    return cuda_row_stays(row) ? capability == 90 : capability >= 80; /* sm_90a runs on 9.0 alone */
}

/* --- the prediction ------------------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Source: CUDA C++ Programming Guide, "Compute Capabilities"; docs/model.md M-120. */
static uint32_t occupancy(const struct cuda_facts *facts, const struct cuda_row *row,
                          uint32_t stages)
{
    uint32_t shared = cuda_row_shared_bytes(row, stages);
    if (shared > facts->shared_block_bytes)
        return 0;
    uint32_t blocks = smaller(facts->threads / row->threads, BLOCKS_MAX);
    blocks = smaller(blocks, facts->registers / (row->threads * row->registers));
    return smaller(blocks, facts->shared_unit_bytes / (shared + 1024)); /* 1 KiB is the system's */
}

/* Instructions of the copies of one step: rows of 8 chunks in pieces. docs/model.md M-122. */
static double issue_cycles(const struct cuda_row *row, const struct cuda_problem *problem)
{
    const struct cuda_params *p = &problem->params;
    if (row->engine == CUDA_WGMMA_TMA)
        return 0;
    double pieces = (double)row->block_m * CUDA_ROW_BYTES / p->operand_a.piece_bytes +
                    (double)row->block_n * CUDA_ROW_BYTES / p->operand_b.piece_bytes;
    return pieces * COPY_INSTRUCTIONS / LANES_CYCLE;
}

/* docs/model.md M-122. */
static double step_cycles(const struct cuda_facts *facts, const struct cuda_problem *problem,
                          const struct cuda_row *row, const struct cuda_params *p,
                          struct cuda_cost *out)
{
    uint32_t bytes = p->operand_a.element_bytes;
    uint32_t resident = smaller(out->occupancy, out->blocks_per_unit);
    out->compute_cycles = (double)p->block_m * p->block_n * p->block_k /
                          (cuda_dense_macs_per_cycle(facts, bytes) * reach(row, facts));
    double fetched = cuda_row_stage_bytes(row); /* of B its part, with the cluster's others */
    if (p->cluster > 1)
        fetched -= (double)p->block_n * CUDA_ROW_BYTES * (p->cluster - 1) / p->cluster;
    out->staging_cycles = fetched / STAGING_BYTES_CYCLE;
    out->issue_cycles = issue_cycles(row, problem);
    out->latency_cycles = (double)LATENCY_CYCLES / ((p->stages - 1) * resident);
    return larger(larger(out->compute_cycles, out->staging_cycles),
                  larger(out->issue_cycles, out->latency_cycles));
}

/* Every tensor once; an input that does not stay in the cache again for each band or column of
 * tiles that runs at a time. docs/model.md M-123. */
static double memory_bytes(const struct cuda_facts *facts, const struct cuda_problem *problem,
                           const struct cuda_params *p, uint32_t occupancy_blocks)
{
    double slots = (double)facts->units * occupancy_blocks;
    double columns = larger(1, slots / p->group), half = facts->cache_bytes / 2;
    double again_a = larger(1, p->n_tiles / columns);
    double again_b = larger(1, (double)p->m_tiles / p->group);
    double a = (double)problem->bytes[1], b = (double)problem->bytes[2];
    return a * (a <= half ? 1 : again_a) + b * (b <= half ? 1 : again_b) +
           (double)problem->bytes[0];
}

void cuda_predict(const struct cuda_facts *facts, const struct cuda_problem *problem,
                  const struct cuda_row *row, const struct cuda_tiling *tiling,
                  struct cuda_cost *out)
{
    struct cuda_params p = problem->params;
    cuda_problem_tile(&p, tiling);
    *out = (struct cuda_cost){ .occupancy = occupancy(facts, row, tiling->stages) };
    uint64_t blocks = (uint64_t)p.z * p.split * p.m_tiles * p.n_tiles;
    bool fits = p.cluster == 1 || (row->engine == CUDA_WGMMA_TMA && cuda_problem_pairs(&p));
    if (out->occupancy == 0 || blocks > LAUNCH_BLOCKS_MAX || !fits) {
        out->occupancy = 0;
        return;
    }
    /* docs/model.md M-121. */
    out->blocks_per_unit = (uint32_t)((blocks + facts->units - 1) / facts->units);
    bool stays = cuda_row_stays(row);
    out->grid = stays ? smaller((uint32_t)blocks, facts->units * out->occupancy) : (uint32_t)blocks;
    out->grid -= out->grid % p.cluster;
    double step = step_cycles(facts, problem, row, &p, out);
    bool plain = stays && (p.split > 1 ? p.n % 2 == 0 : p.plain_stride > 0);
    out->store_cycles = (double)p.block_m * p.block_n *
                        (plain ? PAIR_INSTRUCTIONS : STORE_INSTRUCTIONS) / LANES_CYCLE;
    double tile = p.steps_per_split * step + out->store_cycles;
    double latency = LATENCY_CYCLES / (double)smaller(out->occupancy, out->blocks_per_unit);
    double cycles =
        stays ? latency + out->blocks_per_unit * tile : out->blocks_per_unit * (latency + tile);
    out->product_ns = cycles / facts->clock_hz * 1e9;
    out->memory_bytes = memory_bytes(facts, problem, &p, out->occupancy);
    /* docs/model.md M-124. */
    double sums_bytes = p.split > 1 ? 8.0 * p.split * p.z * p.m * p.n : 0; /* written, and read */
    double reads = facts->memory_bytes_per_s, written = (double)problem->bytes[0];
    double writes = facts->memory_write_bytes_per_s > 0 ? facts->memory_write_bytes_per_s : reads;
    out->memory_ns = ((out->memory_bytes - written) / reads + written / writes) * 1e9;
    out->sums_ns = (sums_bytes / 2 / reads + sums_bytes / 2 / writes) * 1e9;
    out->launch_ns = p.split > 1 ? 2 * LAUNCH_NS : LAUNCH_NS;
    out->predicted_ns = out->launch_ns + larger(out->product_ns, out->memory_ns) + out->sums_ns;
}

struct cuda_facts cuda_facts_measured(const struct cuda_facts *facts,
                                      const struct cuda_driver *driver,
                                      const struct intrin_calibration *machine)
{
    struct cuda_facts measured = *facts;
    const struct intrin_rates *rates = &machine->rates[0];
    double best = 0;
    for (size_t at = 0; at < cuda_row_count; at++) {
        const struct cuda_row *row = &cuda_rows[at];
        bool is_timed = row->type_a == DT_U8 && row->type_b == DT_S8;
        if (is_timed && cuda_row_runs_on(row, facts) && driver->has(row, false, false))
            best = larger(best, reach(row, facts));
    }
    measured.units = machine->cores;
    if (best > 0) /* docs/model.md M-125 */
        measured.clock_hz = rates->peak_ops_per_s /
                            (2 * cuda_dense_macs_per_cycle(facts, 1) * best * machine->cores);
    measured.memory_bytes_per_s = rates->memory_bytes_per_s;
    measured.memory_write_bytes_per_s = rates->memory_write_bytes_per_s;
    if (machine->l2_bytes > 0)
        measured.cache_bytes = machine->l2_bytes;
    return measured;
}

static int by_time(const void *a, const void *b)
{
    const struct backend_term *x = a, *y = b;
    return (y->ns > x->ns) - (y->ns < x->ns);
}

void cuda_forecast(const struct cuda_facts *facts, const struct cuda_problem *problem,
                   const struct cuda_choice *choice, struct backend_forecast *out)
{
    struct cuda_params p = problem->params;
    const struct cuda_cost *c = &choice->cost;
    cuda_problem_tile(&p, &choice->tiling);
    double block_ns = c->blocks_per_unit / facts->clock_hz * 1e9;
    double step_ns = p.steps_per_split * block_ns;
    *out = (struct backend_forecast){
        .ns = c->predicted_ns,
        .memory_bytes_per_s = facts->memory_bytes_per_s,
        .count = 8,
        .terms = { { "products", step_ns * c->compute_cycles },
                   { "cache", step_ns * c->staging_cycles },
                   { "copies", step_ns * c->issue_cycles },
                   { "latency", step_ns * c->latency_cycles },
                   { "stores", block_ns * c->store_cycles },
                   { "memory", c->memory_ns },
                   { "launch", c->launch_ns },
                   { "partial sums", c->sums_ns } },
    };
    qsort(out->terms, out->count, sizeof *out->terms, by_time);
    out->bound = out->terms[0].name;
}

/* --- all choices ---------------------------------------------------------------------------- */

struct list {
    struct cuda_choice *choices;
    size_t count, capacity;
};

static const uint32_t splits[] = { 1, 2, 3, 4, 6, 8 }, groups[] = { 8, 1, 4, 16 };
#define STAGES_MAX 8

static void add(struct list *list, const struct cuda_facts *facts,
                const struct cuda_problem *problem, const struct cuda_row *row,
                const struct cuda_tiling *tiling)
{
    struct cuda_cost cost;
    cuda_predict(facts, problem, row, tiling, &cost);
    if (cost.occupancy == 0)
        return;
    if (list->count == list->capacity) {
        list->capacity = 2 * list->capacity + 64;
        list->choices = mem_grow(list->choices, list->capacity, sizeof *list->choices);
    }
    struct cuda_choice *choice = &list->choices[list->count++];
    *choice = (struct cuda_choice){ row, *tiling, cost, "" };
    snprintf(choice->name, sizeof choice->name, "%s stages %u split %u group %u%s", row->name,
             tiling->stages, tiling->split, tiling->group, tiling->cluster > 1 ? " pairs" : "");
}

static void add_row(struct list *list, const struct cuda_facts *facts,
                    const struct cuda_problem *problem, const struct cuda_row *row)
{
    const struct cuda_params *p = &problem->params;
    uint32_t block_k = CUDA_ROW_BYTES / p->operand_a.element_bytes;
    uint64_t steps = (uint64_t)p->r * ((p->k + block_k - 1) / block_k);
    uint64_t m_tiles = (p->m + row->block_m - 1) / row->block_m;
    for (uint32_t stages = 2; stages <= STAGES_MAX; stages++)
        for (size_t s = 0; s < sizeof splits / sizeof *splits; s++)
            for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
                if ((s > 0 && splits[s] * 2 > steps) || (g > 0 && groups[g] >= m_tiles))
                    continue;
                struct cuda_tiling tiling = { row->block_m, row->block_n, stages,
                                              splits[s],    groups[g],    1 };
                add(list, facts, problem, row, &tiling);
                tiling.cluster = 2;
                if (row->engine == CUDA_WGMMA_TMA)
                    add(list, facts, problem, row, &tiling);
            }
}

/* Does it take the operands as they lie? */
static bool fits(const struct cuda_row *row, const struct cuda_driver *driver,
                 const struct cuda_problem *problem)
{
    struct cuda_params p = problem->params;
    if (row->engine == CUDA_WGMMA_TMA) {
        if (!cuda_problem_has_boxes(problem))
            return false;
        cuda_problem_use_boxes(&p);
    }
    bool turn_a = p.operand_a.along_lines, turn_b = p.operand_b.along_lines;
    return cuda_row_takes(row, turn_a, turn_b) && driver->has(row, turn_a, turn_b);
}

static void add_rows(struct list *list, const struct cuda_facts *facts,
                     const struct cuda_driver *driver, const struct cuda_problem *problem,
                     const struct intrin *intrin, bool own)
{
    for (size_t at = 0; at < cuda_row_count; at++) {
        const struct cuda_row *row = &cuda_rows[at];
        bool is_meant = own ? cuda_row_is_of(row, intrin)
                            : row->type_a == problem->type_a && row->type_b == problem->type_b;
        if (is_meant && cuda_row_runs_on(row, facts) && fits(row, driver, problem))
            add_row(list, facts, problem, row);
    }
}

static int by_prediction(const void *a, const void *b)
{
    const struct cuda_choice *x = a, *y = b;
    if (x->cost.predicted_ns != y->cost.predicted_ns)
        return x->cost.predicted_ns < y->cost.predicted_ns ? -1 : 1;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->tiling.cluster != y->tiling.cluster) /* half of B's way through the cache is free */
        return x->tiling.cluster > y->tiling.cluster ? -1 : 1;
    if (x->tiling.stages != y->tiling.stages) /* deeper costs nothing, and hides more */
        return x->tiling.stages > y->tiling.stages ? -1 : 1;
    if (x->tiling.split != y->tiling.split)
        return x->tiling.split < y->tiling.split ? -1 : 1;
    return x->tiling.group == y->tiling.group  ? 0
           : x->tiling.group == groups[0]      ? -1
           : y->tiling.group == groups[0]      ? 1
           : x->tiling.group < y->tiling.group ? -1
                                               : 1;
}

enum err_code cuda_choices(const struct cuda_facts *facts, const struct cuda_driver *driver,
                           const struct cuda_problem *problem, const struct intrin *intrin,
                           struct cuda_choice **choices_take, size_t *count, bool *falls_back,
                           struct err *err)
{
    struct list list = { 0 };
    add_rows(&list, facts, driver, problem, intrin, true);
    *falls_back = list.count == 0;
    if (*falls_back)
        add_rows(&list, facts, driver, problem, intrin, false);
    if (list.count == 0) {
        free(list.choices);
        return err_set(err, ERR_UNSUPPORTED,
                       "no kernel of %s runs this shape on a device of compute capability %u.%u",
                       intrin->name, facts->major, facts->minor);
    }
    qsort(list.choices, list.count, sizeof *list.choices, by_prediction);
    *choices_take = list.choices;
    *count = list.count;
    return ERR_OK;
}

/* --- families ------------------------------------------------------------------------------- */

/* Up to the next of 1, 2, 3, 4, 6, 8, 12, … */
static uint32_t rounded(uint32_t x)
{
    uint64_t power = 1;
    while (power < x)
        power *= 2;
    return (uint32_t)(power >= 4 && power / 4 * 3 >= x ? power / 4 * 3 : power);
}

void cuda_family(const struct cuda_problem *problem, char *out, size_t bytes)
{
    const struct cuda_params *p = &problem->params;
    snprintf(out, bytes, "%s %s z%u m%u n%u k%u r%u a:%s%u b:%s%u%s", dtype_name(problem->type_a),
             dtype_name(problem->type_b), rounded(p->z), rounded(p->m), rounded(p->n),
             rounded(p->k), rounded(p->r), p->operand_a.along_lines ? "lines" : "k",
             p->operand_a.piece_bytes, p->operand_b.along_lines ? "lines" : "k",
             p->operand_b.piece_bytes, cuda_problem_has_boxes(problem) ? " boxes" : "");
}
