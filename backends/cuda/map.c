#include "backends/cuda/map.h"

#include <stdlib.h>

#include "backends/cuda/index.h"
#include "core/arena.h"

#define STRIDE_MAX (INT64_C(1) << 40) /* bytes; cuTensorMapEncodeTiled() */
#define STEP_MAX   4                  /* 64 lines of a box, 256 elements of a dimension at most */
#define REST       CUDA_GUARDS_MAX    /* "dimension" of the offsets without guards */

/* The operand taken apart: what an axis adds to each guarded index, and to the rest. */
struct parts {
    struct cuda_problem *problem;
    struct cuda_operand *op;
    const int64_t *guard_strides;
    uint64_t extent[CUDA_AXES];
};

static int64_t guard_entry(const struct parts *t, int axis, uint32_t guard, uint64_t at)
{
    uint32_t first = t->op->table[axis][1 + guard];
    return first == CUDA_NONE ? 0 : t->problem->tables[first + at];
}

static int64_t rest_entry(const struct parts *t, int axis, uint64_t at)
{
    uint32_t first = t->op->table[axis][0];
    int64_t rest = first == CUDA_NONE ? 0 : t->problem->tables[first + at];
    for (uint32_t g = 0; g < t->op->guard_count; g++)
        rest -= t->guard_strides[g] * guard_entry(t, axis, g, at);
    return rest;
}

static int64_t entry(const struct parts *t, int axis, uint32_t dim, uint64_t at)
{
    return dim == REST ? rest_entry(t, axis, at) : guard_entry(t, axis, dim, at);
}

/* An axis of the tile goes along one dimension in equal steps. */
struct course {
    uint32_t dim; /* guard, or REST */
    int64_t step;
};

static bool is_even(const struct parts *t, int axis, uint32_t dim, int64_t step)
{
    for (uint64_t at = 0; at < t->extent[axis]; at++)
        if (entry(t, axis, dim, at) != (int64_t)at * step)
            return false;
    return true;
}

static bool find_course(const struct parts *t, int axis, struct course *out)
{
    *out = (struct course){ REST, 0 };
    unsigned moves = 0;
    for (uint32_t dim = 0; dim <= REST; dim++) {
        if (dim != REST && dim >= t->op->guard_count)
            continue;
        int64_t step = t->extent[axis] > 1 ? entry(t, axis, dim, 1) : 0;
        if (!is_even(t, axis, dim, step))
            return false;
        if (step != 0) {
            *out = (struct course){ dim, step };
            moves++;
        }
    }
    return out->step >= 0 && moves == (t->extent[axis] > 1);
}

/* --- the rest that z and r move ------------------------------------------------------------- */

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* Largest stride that divides all that z, r and the constant add; 0 if they add nothing. */
static int64_t rest_stride(const struct parts *t, int64_t constant, int64_t *highest)
{
    int64_t divisor = constant;
    *highest = constant;
    for (int axis = CUDA_Z; axis <= CUDA_R; axis++) {
        int64_t high = 0;
        for (uint64_t at = 0; at < t->extent[axis]; at++) {
            int64_t value = rest_entry(t, axis, at);
            if (value < 0)
                return -1;
            divisor = gcd(divisor, value);
            high = value > high ? value : high;
        }
        *highest += high;
    }
    return gcd(divisor, 0);
}

static uint32_t add_rest_table(const struct parts *t, int axis, int64_t stride)
{
    struct cuda_problem *q = t->problem;
    q->tables = mem_grow(q->tables, q->table_count + t->extent[axis], sizeof *q->tables);
    uint32_t first = (uint32_t)q->table_count;
    for (uint64_t at = 0; at < t->extent[axis]; at++)
        q->tables[first + at] = (int32_t)(rest_entry(t, axis, at) / stride);
    q->table_count += t->extent[axis];
    return first;
}

/* --- the map -------------------------------------------------------------------------------- */

static void add_dim(struct cuda_map *map, int64_t extent, int64_t stride_bytes)
{
    uint32_t d = map->rank++;
    map->extent[d] = (uint32_t)extent;
    map->stride_bytes[d] = (uint64_t)stride_bytes;
    map->constant[d] = 0;
    map->table[CUDA_Z][d] = map->table[CUDA_R][d] = CUDA_NONE;
}

static void add_guard(const struct parts *t, uint32_t guard, struct cuda_map *map)
{
    const struct cuda_operand *op = t->op;
    add_dim(map, op->extent[guard], t->guard_strides[guard] * op->element_bytes);
    uint32_t d = map->rank - 1;
    map->constant[d] = op->constant[1 + guard];
    map->table[CUDA_Z][d] = op->table[CUDA_Z][1 + guard];
    map->table[CUDA_R][d] = op->table[CUDA_R][1 + guard];
}

/* A dimension that lines or k go along: a guarded one, or as long as the axis itself. */
static void add_course(const struct parts *t, const struct course *c, int axis,
                       struct cuda_map *map)
{
    if (c->dim != REST) {
        add_guard(t, c->dim, map);
        return;
    }
    int64_t step = c->step > 0 ? c->step : CUDA_CHUNK_BYTES; /* one line: any */
    add_dim(map, (int64_t)t->extent[axis], step * t->op->element_bytes);
}

static const char *add_rest(const struct parts *t, struct cuda_map *map)
{
    int64_t constant = t->op->constant[0], highest;
    for (uint32_t g = 0; g < t->op->guard_count; g++)
        constant -= t->guard_strides[g] * t->op->constant[1 + g];
    int64_t stride = constant < 0 ? -1 : rest_stride(t, constant, &highest);
    if (stride < 0)
        return "an offset goes backwards";
    if (stride == 0)
        return NULL;
    if (map->rank == CUDA_MAP_DIMS)
        return "more than 5 dimensions";
    add_dim(map, highest / stride + 1, stride * t->op->element_bytes);
    uint32_t d = map->rank - 1;
    map->constant[d] = (int32_t)(constant / stride);
    map->table[CUDA_Z][d] = add_rest_table(t, CUDA_Z, stride);
    map->table[CUDA_R][d] = add_rest_table(t, CUDA_R, stride);
    return NULL;
}

static const char *check_strides(const struct cuda_map *map, uint32_t element_bytes)
{
    for (uint32_t d = 0; d < map->rank; d++) {
        if (d == 0 && map->stride_bytes[0] != element_bytes)
            return "neither lines nor k are contiguous";
        if (d > 0 && map->stride_bytes[d] % CUDA_CHUNK_BYTES != 0)
            return "a stride is no multiple of 16 bytes";
        if (map->stride_bytes[d] >= (uint64_t)STRIDE_MAX)
            return "a stride of 2^40 bytes or more";
    }
    return NULL;
}

static bool is_contiguous(const struct parts *t, const struct course *c)
{
    int64_t stride = c->dim == REST ? 1 : t->guard_strides[c->dim];
    return c->step * stride == 1;
}

static const char *build(const struct parts *t, bool may_turn, struct cuda_map *map)
{
    struct course line, k;
    for (uint32_t g = 0; g < t->op->guard_count; g++)
        if (t->op->divisor[g] != 1)
            return "an index is divided";
    if (!find_course(t, CUDA_LINE, &line) || !find_course(t, CUDA_K, &k))
        return "lines or k are not affine";
    /* Past k there must be zeroes; a guarded dimension goes on. */
    if (k.dim != REST)
        return "k is padded";
    if (line.dim != REST && line.step > STEP_MAX)
        return "lines are more than 4 elements apart";
    bool along_k = k.step == 1 || t->extent[CUDA_K] == 1;
    if (!along_k && !(may_turn && is_contiguous(t, &line)))
        return "neither lines nor k are contiguous";
    map->rank = 0;
    map->line_dim = along_k;
    map->k_dim = !along_k;
    map->line_step = line.dim == REST ? 1 : (uint32_t)(line.step > 0 ? line.step : 1);
    if (along_k && t->extent[CUDA_K] == 1)
        k.step = 1;
    add_course(t, along_k ? &k : &line, along_k ? CUDA_K : CUDA_LINE, map);
    add_course(t, along_k ? &line : &k, along_k ? CUDA_LINE : CUDA_K, map);
    for (uint32_t g = 0; g < t->op->guard_count; g++) {
        if (g == line.dim)
            continue;
        if (map->rank == CUDA_MAP_DIMS)
            return "more than 5 dimensions";
        add_guard(t, g, map);
    }
    const char *why = add_rest(t, map);
    return why != NULL ? why : check_strides(map, t->op->element_bytes);
}

const char *cuda_map_find(struct cuda_problem *problem, struct cuda_operand *op,
                          const int64_t *guard_strides, bool may_turn)
{
    const struct cuda_params *p = &problem->params;
    const struct parts parts = { problem, op, guard_strides, { p->z, p->r, op->lines, p->k } };
    size_t tables = problem->table_count;
    const char *why = build(&parts, may_turn, &op->map);
    if (why != NULL) {
        op->map.rank = 0;
        problem->table_count = tables;
    }
    return why;
}

void cuda_map_arguments(const struct cuda_map *map, uint32_t element_bytes,
                        struct cuda_map_arguments *out)
{
    for (uint32_t d = 0; d < map->rank; d++) {
        out->extent[d] = map->extent[d];
        if (d > 0)
            out->stride_bytes[d - 1] = map->stride_bytes[d];
        out->step[d] = d == map->line_dim ? map->line_step : 1;
        out->box[d] = 1;
    }
    out->box[map->line_dim] = CUDA_MAP_BOX * map->line_step;
    out->box[map->k_dim] = map->k_dim == 0 ? CUDA_ROW_BYTES / element_bytes : CUDA_MAP_BOX;
}
