/*
 * A plan's tables as the kernels read them: one 32-bit entry per index and plane, z and r already
 * summed over their loops.
 */
#include "backends/cuda/problem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/index.h"
#include "backends/cuda/map.h"
#include "backends/cuda/rows.h"
#include "core/arena.h"
#include "core/num.h"

#define POINTS_MAX (UINT64_C(1) << 24)

struct builder {
    const struct backend_job *job;
    const struct intrin_plan *plan;
    struct cuda_problem *problem;
    size_t capacity;
    size_t i, j, k; /* the instruction's axes */
    struct err *err;
};

/* Extents that an operand's value may reach, so that 32-bit sums are safe. */
struct span {
    int64_t low, high;
};

/* --- the shape ------------------------------------------------------------------------------ */

static bool tensor_has(const struct expr *expr, size_t tensor, size_t iter)
{
    for (size_t d = 0; d < expr->tensors[tensor].dim_count; d++)
        if (expr->tensors[tensor].dims[d].coeff[iter] != 0)
            return true;
    return false;
}

static enum err_code find_axes(struct builder *b)
{
    const struct expr *own = &b->plan->intrin->expr;
    unsigned found = 0;
    for (size_t x = 0; x < own->iter_count; x++) {
        unsigned in = 0;
        for (size_t t = 0; t < own->tensor_count; t++)
            in |= (unsigned)tensor_has(own, t, x) << t;
        if (in == 3)
            b->i = x;
        else if (in == 5)
            b->j = x;
        else if (in == 6)
            b->k = x;
        else
            return err_set(b->err, ERR_UNSUPPORTED, "%s is no matrix product",
                           b->plan->intrin->name);
        found |= 1u << in;
    }
    if (own->iter_count != 3 || found != (1u << 3 | 1u << 5 | 1u << 6))
        return err_set(b->err, ERR_UNSUPPORTED, "%s is no matrix product", b->plan->intrin->name);
    return ERR_OK;
}

static enum err_code find_extents(struct builder *b)
{
    const struct intrin_plan *plan = b->plan;
    struct cuda_params *p = &b->problem->params;
    uint64_t points[2] = { 1, 1 };
    for (size_t l = 0; l < plan->loop_count; l++) {
        uint64_t *at = &points[plan->loops[l].reduce];
        if (!mul_size(*at, (uint64_t)plan->loops[l].extent, at) || *at > POINTS_MAX)
            return err_set(b->err, ERR_UNSUPPORTED,
                           "the mapping leaves more than 2^24 iterations outside the instruction");
    }
    p->z = (uint32_t)points[0];
    p->r = (uint32_t)points[1];
    p->m = (uint32_t)plan->axes[b->i].extent;
    p->n = (uint32_t)plan->axes[b->j].extent;
    p->k = (uint32_t)plan->axes[b->k].extent;
    if ((uint64_t)p->r * ((p->k + 31) / 32) > INT32_MAX)
        return err_set(b->err, ERR_UNSUPPORTED, "the sum of one element has more than 2^31 steps");
    return ERR_OK;
}

/* --- tables --------------------------------------------------------------------------------- */

/* Appends a table and widens the span by it; CUDA_NONE if it is all zero. */
static uint32_t add_table(struct builder *b, const int64_t *values, uint64_t count,
                          struct span *span)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint64_t at = 0; at < count; at++) {
        low = values[at] < low ? values[at] : low;
        high = values[at] > high ? values[at] : high;
    }
    span->low += low;
    span->high += high;
    if (low == 0 && high == 0)
        return CUDA_NONE;
    struct cuda_problem *problem = b->problem;
    if (problem->table_count + count > b->capacity) {
        b->capacity = 2 * (problem->table_count + count);
        problem->tables = mem_grow(problem->tables, b->capacity, sizeof *problem->tables);
    }
    uint32_t first = (uint32_t)problem->table_count;
    for (uint64_t at = 0; at < count; at++)
        problem->tables[first + at] = (int32_t)values[at];
    problem->table_count += count;
    return first;
}

/* One entry per point of the spatial (or reduction) loops, the last loop fastest. */
static int64_t *loop_values(const struct intrin_plan *plan, bool reduce, uint64_t count,
                            const int64_t *per_step)
{
    int64_t *values = mem_alloc(count, sizeof *values);
    uint64_t filled = 1;
    for (size_t l = plan->loop_count; l-- > 0;) {
        if (plan->loops[l].reduce != reduce)
            continue;
        for (uint64_t digit = 1; digit < (uint64_t)plan->loops[l].extent; digit++)
            for (uint64_t at = 0; at < filled; at++)
                values[digit * filled + at] = values[at] + (int64_t)digit * per_step[l];
        filled *= (uint64_t)plan->loops[l].extent;
    }
    assert(filled == count);
    return values;
}

static uint32_t add_loops(struct builder *b, bool reduce, const int64_t *per_step,
                          struct span *span)
{
    uint64_t count = reduce ? b->problem->params.r : b->problem->params.z;
    int64_t *values = loop_values(b->plan, reduce, count, per_step);
    uint32_t first = add_table(b, values, count, span);
    free(values);
    return first;
}

/* A plane of an operand: its constant, the loops' share, one table per axis. */
struct plane {
    int64_t constant;
    const int64_t *outer;
    const int64_t *line, *k;
};

static enum err_code add_plane(struct builder *b, struct cuda_operand *op, size_t plane,
                               const struct plane *from, uint32_t k_extent, const char *name)
{
    struct span span = { from->constant, from->constant };
    op->constant[plane] = (int32_t)from->constant;
    op->table[CUDA_Z][plane] = add_loops(b, false, from->outer, &span);
    op->table[CUDA_R][plane] = add_loops(b, true, from->outer, &span);
    op->table[CUDA_LINE][plane] =
        from->line != NULL ? add_table(b, from->line, op->lines, &span) : CUDA_NONE;
    op->table[CUDA_K][plane] = from->k != NULL ? add_table(b, from->k, k_extent, &span) : CUDA_NONE;
    if (span.low < INT32_MIN || span.high > INT32_MAX)
        return err_set(b->err, ERR_UNSUPPORTED, "offsets of %s exceed 31 bits", name);
    return ERR_OK;
}

static int64_t dim_stride(const struct expr_tensor *tensor, size_t dim)
{
    int64_t stride = 1;
    for (size_t d = dim + 1; d < tensor->dim_count; d++)
        stride *= tensor->dims[d].extent;
    return stride;
}

/* `line` and `k` are plan axes: (i, k) of A, (j, k) of B, (i, j) of C. */
static enum err_code add_operand(struct builder *b, size_t operand, size_t line, size_t k,
                                 struct cuda_operand *out)
{
    const struct intrin_plan_operand *from = &b->plan->operands[operand];
    const struct expr_tensor *tensor = &b->plan->expr->tensors[operand];
    uint64_t elements;
    enum err_code rc = expr_elements(b->plan->expr, operand, &elements, b->err);
    if (rc != ERR_OK)
        return rc;
    if (elements > INT32_MAX)
        return err_set(b->err, ERR_UNSUPPORTED, "%s has more than 2^31 elements", tensor->name);
    if (from->guard_count > CUDA_GUARDS_MAX)
        return err_set(b->err, ERR_UNSUPPORTED, "%s has more than %d padded dimensions",
                       tensor->name, CUDA_GUARDS_MAX);
    out->lines = (uint32_t)b->plan->axes[line].extent;
    out->guard_count = (uint32_t)from->guard_count;
    out->element_bytes = out->piece_bytes = dtype_bytes(tensor->type);
    uint32_t k_extent = (uint32_t)b->plan->axes[k].extent;
    struct plane plane = { from->constant, from->outer, from->offset[line], from->offset[k] };
    rc = add_plane(b, out, 0, &plane, k_extent, tensor->name);
    for (size_t g = 0; g < from->guard_count && rc == ERR_OK; g++) {
        const struct intrin_guard *guard = &from->guards[g];
        out->divisor[g] = (int32_t)guard->divisor;
        out->extent[g] = (int32_t)guard->extent;
        out->stride[g] = (int32_t)guard->stride;
        if (operand > 0)
            b->problem->guard_strides[operand - 1][g] = dim_stride(tensor, guard->dim);
        plane =
            (struct plane){ guard->constant, guard->outer, guard->index[line], guard->index[k] };
        rc = add_plane(b, out, 1 + g, &plane, k_extent, tensor->name);
    }
    return rc;
}

/* --- how an operand is copied --------------------------------------------------------------- */

static int32_t entry(const struct cuda_problem *problem, const struct cuda_operand *op, int axis,
                     size_t plane, uint64_t at)
{
    uint32_t first = op->table[axis][plane];
    return first == CUDA_NONE ? 0 : problem->tables[first + at];
}

static bool all_divide(const struct cuda_problem *problem, const struct cuda_operand *op, int axis,
                       uint64_t count, int32_t divisor, uint64_t step)
{
    for (uint64_t at = 0; at < count; at += step)
        if (entry(problem, op, axis, 0, at) % divisor != 0)
            return false;
    return true;
}

/* Do runs of `count` along the axis lie side by side, and all inside or all outside? */
static bool runs_along(const struct cuda_problem *problem, const struct cuda_operand *op, int axis,
                       uint64_t extent, uint32_t count)
{
    for (uint64_t at = 0; at < extent; at++) {
        uint64_t first = at - at % count;
        if (entry(problem, op, axis, 0, at) !=
            entry(problem, op, axis, 0, first) + (int32_t)(at - first))
            return false;
        for (size_t plane = 1; plane <= op->guard_count; plane++)
            if (entry(problem, op, axis, plane, at) != entry(problem, op, axis, plane, first))
                return false;
    }
    return true;
}

/* Largest of 16, 8 and 4 bytes whose runs along the axis are aligned; 0 if none is. */
static uint32_t piece_along(const struct cuda_problem *problem, const struct cuda_operand *op,
                            int inner)
{
    const struct cuda_params *p = &problem->params;
    const uint64_t extents[CUDA_AXES] = { p->z, p->r, op->lines, p->k };
    for (uint32_t bytes = 16; bytes >= 4; bytes /= 2) {
        int32_t count = (int32_t)(bytes / op->element_bytes);
        bool fits = op->constant[0] % count == 0;
        for (size_t g = 0; g < op->guard_count; g++)
            fits = fits && op->stride[g] % count == 0;
        for (int axis = 0; axis < CUDA_AXES; axis++)
            fits = fits && all_divide(problem, op, axis, extents[axis], count,
                                      axis == inner ? (uint64_t)count : 1);
        if (fits && runs_along(problem, op, inner, extents[inner], (uint32_t)count))
            return bytes;
    }
    return 0;
}

/* Can a kernel of this instruction turn tiles along lines on their way to the registers? */
static bool can_turn(const struct intrin *intrin)
{
    for (size_t row = 0; row < cuda_row_count; row++)
        if (cuda_row_is_of(&cuda_rows[row], intrin) && cuda_row_takes(&cuda_rows[row], true, true))
            return true;
    return false;
}

static void choose_copies(const struct builder *b, struct cuda_operand *op)
{
    const struct cuda_problem *problem = b->problem;
    uint32_t along_k = piece_along(problem, op, CUDA_K);
    uint32_t along_lines = can_turn(b->plan->intrin) ? piece_along(problem, op, CUDA_LINE) : 0;
    op->along_lines = along_lines > along_k;
    uint32_t piece = op->along_lines ? along_lines : along_k;
    if (piece > 0) {
        op->piece_bytes = piece;
        return;
    }
    /* Gathered: a warp's loads should fall side by side. */
    int32_t line_step =
        op->lines > 1 ? entry(problem, op, CUDA_LINE, 0, 1) - entry(problem, op, CUDA_LINE, 0, 0)
                      : 0;
    int32_t k_step = problem->params.k > 1
                         ? entry(problem, op, CUDA_K, 0, 1) - entry(problem, op, CUDA_K, 0, 0)
                         : 0;
    op->lanes_down = line_step == 1 && k_step != 1;
}

/* --- packed weights ------------------------------------------------------------------------- */

/* The loops (spatial or reduction) that an operand depends on become a number of their own. */
static uint64_t own_steps(const struct builder *b, size_t operand, bool reduce, int64_t stride,
                          int64_t *per_step)
{
    const struct expr *expr = b->plan->expr;
    uint64_t count = 1;
    for (size_t l = b->plan->loop_count; l-- > 0;) {
        if (b->plan->loops[l].reduce != reduce ||
            !tensor_has(expr, operand, b->plan->loops[l].iter))
            continue;
        per_step[l] = (int64_t)count * stride;
        count *= (uint64_t)b->plan->loops[l].extent;
    }
    return count;
}

static void copy_packed(const struct cuda_params *p, const int32_t *tables,
                        const struct cuda_operand *from, const struct cuda_operand *to,
                        const int32_t *new_tables, const void *source, void *packed)
{
    uint32_t bytes = from->element_bytes;
    for (uint32_t z = 0; z < p->z; z++)
        for (uint32_t r = 0; r < p->r; r++) {
            struct cuda_place base = cuda_place_at(from, tables, z, r);
            struct cuda_place new_base = cuda_place_at(to, new_tables, z, r);
            for (uint32_t line = 0; line < from->lines; line++) {
                struct cuda_place row = base, new_row = new_base;
                cuda_place_add(from, tables, CUDA_LINE, line, &row);
                cuda_place_add(to, new_tables, CUDA_LINE, line, &new_row);
                for (uint32_t k = 0; k < p->k; k++) {
                    struct cuda_place place = row;
                    cuda_place_add(from, tables, CUDA_K, k, &place);
                    int32_t offset = cuda_place_offset(from, &place);
                    if (offset >= 0)
                        memcpy((char *)packed + ((size_t)new_row.at[0] + k) * bytes,
                               (const char *)source + (size_t)offset * bytes, bytes);
                }
            }
        }
}

static enum err_code pack_constant(struct builder *b)
{
    struct cuda_problem *problem = b->problem;
    struct cuda_params *p = &problem->params;
    struct cuda_operand old = p->operand_b, *op = &p->operand_b;
    uint32_t per_chunk = CUDA_CHUNK_BYTES / old.element_bytes;
    int64_t row = (int64_t)((p->k + per_chunk - 1) / per_chunk * per_chunk);
    int64_t per_step[EXPR_ITERS_MAX] = { 0 };
    uint64_t elements;
    uint64_t count_r = own_steps(b, 2, true, row * (int64_t)old.lines, per_step);
    uint64_t count_z =
        own_steps(b, 2, false, row * (int64_t)old.lines * (int64_t)count_r, per_step);
    if (!mul_size((uint64_t)row * old.lines, count_r, &elements) ||
        !mul_size(elements, count_z, &elements) || elements > INT32_MAX)
        return ERR_OK; /* left where it is */
    int64_t *lines = mem_alloc(old.lines, sizeof *lines), *ks = mem_alloc(p->k, sizeof *ks);
    for (uint32_t line = 0; line < old.lines; line++)
        lines[line] = line * row;
    for (uint32_t k = 0; k < p->k; k++)
        ks[k] = k;
    *op = (struct cuda_operand){ .lines = old.lines, .element_bytes = old.element_bytes };
    struct plane plane = { 0, per_step, lines, ks };
    enum err_code rc = add_plane(b, op, 0, &plane, p->k, "the packed constant");
    assert(rc == ERR_OK);
    free(lines);
    free(ks);
    problem->bytes[2] = elements * old.element_bytes;
    problem->packed_b = mem_alloc(problem->bytes[2], 1);
    copy_packed(p, problem->tables, &old, op, problem->tables, b->job->constant, problem->packed_b);
    choose_copies(b, op);
    assert(op->piece_bytes == 16 && !op->along_lines);
    return rc;
}

/* --- the epilogue --------------------------------------------------------------------------- */

/* The channel's value over the fused indices of an axis, the first iteration slowest. */
static uint32_t channel_axis(struct builder *b, const struct expr_dim *dim, size_t x)
{
    const struct intrin_plan_axis *axis = &b->plan->axes[x];
    int64_t *values = mem_alloc((size_t)axis->extent, sizeof *values);
    struct span span = { 0, 0 };
    for (int64_t f = 0; f < axis->extent; f++) {
        int64_t rest = f;
        for (size_t at = axis->iter_count; at-- > 0;) {
            int64_t extent = b->plan->expr->iters[axis->iters[at]].extent;
            values[f] += dim->coeff[axis->iters[at]] * (rest % extent);
            rest /= extent;
        }
    }
    uint32_t first = add_table(b, values, (uint64_t)axis->extent, &span);
    free(values);
    return first;
}

static void add_channels(struct builder *b, size_t channel_dim)
{
    struct cuda_epilogue *e = &b->problem->params.epilogue;
    const struct expr_dim *dim = &b->plan->expr->tensors[0].dims[channel_dim];
    int64_t per_step[EXPR_ITERS_MAX] = { 0 };
    struct span span = { 0, 0 };
    for (size_t l = 0; l < b->plan->loop_count; l++)
        per_step[l] = dim->coeff[b->plan->loops[l].iter];
    e->channel_table[CUDA_Z] = add_loops(b, false, per_step, &span);
    e->channel_table[CUDA_LINE] = channel_axis(b, dim, b->i);
    e->channel_table[CUDA_K] = channel_axis(b, dim, b->j);
    b->problem->channels = (size_t)dim->extent;
}

static void set_epilogue(struct builder *b)
{
    const struct backend_epilogue *from = b->job->epilogue;
    struct cuda_epilogue *e = &b->problem->params.epilogue;
    for (int axis = 0; axis < CUDA_AXES; axis++)
        e->channel_table[axis] = CUDA_NONE;
    e->type = backend_output_type(b->job);
    e->stores_float =
        e->type == DT_F16 || e->type == DT_BF16 || e->type == DT_F32 || e->type == DT_F64;
    if (from == NULL)
        return;
    e->bias_s32 = b->problem->is_float ? NULL : from->bias_s32;
    e->bias_f32 = b->problem->is_float ? from->bias_f32 : NULL;
    e->scale = from->scale;
    e->relu = from->relu;
    e->zero_point = from->zero_point;
    if (e->bias_s32 != NULL || e->bias_f32 != NULL || e->scale != NULL)
        add_channels(b, from->channel_dim);
}

/* Entries 0, step, 2 · step …? */
static bool is_line(const struct cuda_problem *problem, uint32_t table, uint32_t count,
                    int32_t step)
{
    if (table == CUDA_NONE)
        return count == 1;
    for (uint32_t at = 0; at < count; at++)
        if (problem->tables[table + at] != (int64_t)step * at)
            return false;
    return true;
}

/* Can the registers go to C two by two, as they are? */
static void find_plain(struct builder *b)
{
    const struct cuda_problem *problem = b->problem;
    struct cuda_params *p = &b->problem->params;
    const struct cuda_operand *c = &p->operand_c;
    const struct cuda_epilogue *e = &p->epilogue;
    uint32_t line = c->table[CUDA_LINE][0], z = c->table[CUDA_Z][0];
    bool is_finished = e->bias_s32 != NULL || e->bias_f32 != NULL || e->scale != NULL || e->relu;
    if (is_finished || e->type != (problem->is_float ? DT_F32 : DT_S32) || c->guard_count > 0)
        return;
    int32_t step = line != CUDA_NONE && p->m > 1 ? problem->tables[line + 1] : (int32_t)p->n;
    if (step <= 0 || step % 2 != 0 || p->n % 2 != 0 || c->constant[0] % 2 != 0 ||
        !is_line(problem, line, p->m, step) || !is_line(problem, c->table[CUDA_K][0], p->n, 1))
        return;
    for (uint32_t at = 0; z != CUDA_NONE && at < p->z; at++)
        if (problem->tables[z + at] % 2 != 0)
            return;
    p->plain_stride = (uint32_t)step;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum err_code build(struct builder *b)
{
    struct cuda_problem *problem = b->problem;
    struct cuda_params *p = &problem->params;
    const struct expr *expr = b->plan->expr;
    enum err_code rc = find_axes(b);
    if (rc == ERR_OK)
        rc = find_extents(b);
    if (rc == ERR_OK)
        rc = add_operand(b, 1, b->i, b->k, &p->operand_a);
    if (rc == ERR_OK)
        rc = add_operand(b, 2, b->j, b->k, &p->operand_b);
    if (rc == ERR_OK)
        rc = add_operand(b, 0, b->i, b->j, &p->operand_c);
    if (rc != ERR_OK)
        return rc;
    problem->type_a = expr->tensors[1].type;
    problem->type_b = expr->tensors[2].type;
    problem->is_float = b->plan->intrin->expr.tensors[0].type == DT_F32;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        uint64_t elements;
        rc = expr_elements(expr, t, &elements, b->err);
        assert(rc == ERR_OK);
        problem->bytes[t] =
            elements * dtype_bytes(t == 0 ? backend_output_type(b->job) : expr->tensors[t].type);
    }
    set_epilogue(b);
    find_plain(b);
    choose_copies(b, &p->operand_a);
    choose_copies(b, &p->operand_b);
    bool is_ready = p->operand_b.piece_bytes == 16 && !p->operand_b.along_lines;
    if (b->job->constant != NULL && !is_ready)
        rc = pack_constant(b);
    bool may_turn = dtype_bytes(problem->type_a) == 2; /* wgmma turns halves only */
    problem->no_boxes[0] =
        cuda_map_find(problem, &p->operand_a, problem->guard_strides[0], may_turn);
    problem->no_boxes[1] =
        cuda_map_find(problem, &p->operand_b, problem->guard_strides[1], may_turn);
    return rc;
}

enum err_code cuda_problem_init(struct cuda_problem *out, const struct backend_job *job,
                                struct err *err)
{
    if (job->plan == NULL)
        return err_set(err, ERR_UNSUPPORTED, "the CUDA backend runs matched layers only");
    if (job->expr->combine != EXPR_MUL_ADD || job->expr->tensor_count != 3)
        return err_set(err, ERR_UNSUPPORTED, "the expression is no sum of products");
    if (backend_output_type(job) == DT_S64)
        return err_set(err, ERR_UNSUPPORTED, "an output of s64 needs wider accumulators than s32");
    bool known = false;
    for (size_t row = 0; row < cuda_row_count; row++)
        known = known || cuda_row_is_of(&cuda_rows[row], job->plan->intrin);
    if (!known)
        return err_set(err, ERR_UNSUPPORTED, "the CUDA backend has no kernel of %s",
                       job->plan->intrin->name);
    struct cuda_problem problem = { 0 };
    struct builder b = { .job = job, .plan = job->plan, .problem = &problem, .err = err };
    enum err_code rc = build(&b);
    if (rc != ERR_OK) {
        cuda_problem_release(&problem);
        return rc;
    }
    *out = problem;
    return ERR_OK;
}

void cuda_problem_release(struct cuda_problem *problem)
{
    free(problem->tables);
    free(problem->packed_b);
    memset(problem, 0, sizeof *problem);
}

bool cuda_problem_has_boxes(const struct cuda_problem *problem)
{
    return problem->no_boxes[0] == NULL && problem->no_boxes[1] == NULL;
}

void cuda_problem_use_boxes(struct cuda_params *p)
{
    p->operand_a.along_lines = p->operand_a.map.line_dim == 0;
    p->operand_b.along_lines = p->operand_b.map.line_dim == 0;
}

void cuda_problem_tile(struct cuda_params *p, const struct cuda_tiling *tiling)
{
    p->block_m = tiling->block_m;
    p->block_n = tiling->block_n;
    p->block_k = CUDA_ROW_BYTES / p->operand_a.element_bytes;
    p->m_tiles = (p->m + p->block_m - 1) / p->block_m;
    p->n_tiles = (p->n + p->block_n - 1) / p->block_n;
    p->k_tiles = (p->k + p->block_k - 1) / p->block_k;
    uint32_t steps = p->r * p->k_tiles, split = tiling->split < steps ? tiling->split : steps;
    p->steps_per_split = (steps + split - 1) / split;
    p->split = (steps + p->steps_per_split - 1) / p->steps_per_split;
    p->group = tiling->group;
    p->stages = tiling->stages;
    p->blocks = p->z * p->split * p->m_tiles * p->n_tiles;
    p->grid = p->blocks;
    p->cluster = tiling->cluster;
}

bool cuda_problem_pairs(const struct cuda_params *p)
{
    return p->m_tiles % 2 == 0 && p->group % 2 == 0;
}
