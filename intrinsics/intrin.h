/*
 * Hardware tensor instructions as data, and every legal way of an operator onto one of them.
 *
 * An intrinsic has a compute abstraction (its own tensor expression with extents and types) and a
 * memory abstraction (how each operand lies in registers and where it comes from). A *mapping*
 * says which iterations of the operator feed which axis (iteration of the intrinsic); the rest
 * stay outside as loops. Nothing here knows an operator by name.
 *
 *   match   all legal mappings, by AMOS's binary matrices (ISCA 2022, Algorithm 1)
 *   plan    one mapping lowered: outer loops, and offset tables that are separable per axis
 *   rank    the paper's nested max(compute, read, write); docs/model.md M-64 to M-70
 *
 * Iterations of one axis are fused in the expression's order, the first one slowest. Enumeration
 * visits at most 8 times as many assignments as there are results on a matrix intrinsic; memory is
 * linear in the results.
 */
#ifndef SOCWEAVE_INTRINSICS_INTRIN_H
#define SOCWEAVE_INTRINSICS_INTRIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/expr.h"
#include "core/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INTRIN_AXES_MAX     4
#define INTRIN_OPERANDS     3 /* output, first input, second input: as in struct expr */
#define INTRIN_MAPPINGS_MAX 4194304

/* --- the hardware abstraction --------------------------------------------------------------- */

/* What the ranking model knows of the machine around the instruction. */
struct intrin_machine {
    const char *name, *source;
    double clock_hz;
    unsigned units; /* cores, SMs: each works on blocks of its own */
    unsigned
        chains; /* blocks that a unit overlaps to hide latency: warps of an SM, loops outside */
    double staging_bytes_per_s; /* L1 or shared memory to registers, one unit */
    unsigned granule_bytes;     /* the least that one access of the staging memory takes */
    double memory_bytes_per_s;  /* all units together */
    double cache_bytes;         /* an operand that fits is read from memory once */
};
extern const struct intrin_machine intrin_machines[];
extern const size_t intrin_machine_count;
const struct intrin_machine *intrin_machine_find(const char *name);

/* One operand in the memory abstraction. */
struct intrin_memory {
    const char *path;   /* "memory > shared > fragment": the scopes it goes through */
    const char *load;   /* the instruction that brings it (the output: takes it) to the last one */
    const char *layout; /* see intrin_layout_parse(), or "opaque" */
};

struct intrin {
    const char *name, *source, *note;
    struct expr expr; /* every index is one iteration, or a constant */
    struct intrin_memory memory[INTRIN_OPERANDS];
    const struct intrin_machine *machine;
    double interval_cycles;          /* between two independent calls on one unit */
    double latency_cycles;           /* between two calls on the same accumulators */
    uint32_t block[INTRIN_AXES_MAX]; /* calls of a register tile at most, per spatial axis */
    struct arena *arena;             /* owns the strings of a loaded one; NULL for built-in ones */
};

extern const size_t intrin_count;
const char *const *intrin_names(void);                 /* intrin_count names */
void intrin_builtin(size_t index, struct intrin *out); /* never fails: the rows are tested */
/* A built-in by name; ERR_REFERENCE with a "did you mean". */
enum err_code intrin_find(const char *name, struct intrin *out, struct err *err);
/* intrinsic/1, docs/formats.md. */
enum err_code intrin_load(struct intrin *out, const char *file, struct err *err);
/* A name, or a file if it has a '/' or ends in ".json". */
enum err_code intrin_open(const char *name_or_file, struct intrin *out, struct err *err);
void intrin_release(struct intrin *intrin);

/* ERR_TYPE unless the operator's inputs have the intrinsic's types and its output can take the
 * accumulator (both integers, or both floats). */
enum err_code intrin_types_fit(const struct intrin *intrin, const struct expr *expr,
                               struct err *err);
/* Gives the operator the intrinsic's types. */
void intrin_adopt_types(const struct intrin *intrin, struct expr *expr);

/* --- register layouts ----------------------------------------------------------------------- */

#define INTRIN_PLACES_MAX  4
#define INTRIN_FACTORS_MAX 4

/*
 * "lane: i8 k4*2; register: k2*8 i2*8; element: k2": the index in each place, in mixed radix with
 * the first factor slowest, is a sum of steps along axes. `i8` counts 8 steps of 1 along i, `k2*8`
 * two steps of 8 along k; `-16` repeats the same 16 times (a broadcast).
 */
struct intrin_factor {
    int axis; /* -1: repeated */
    uint32_t extent, step;
};
struct intrin_place {
    char name[EXPR_NAME_MAX];
    size_t factor_count;
    struct intrin_factor factors[INTRIN_FACTORS_MAX];
    uint32_t extent; /* product of its factors */
};
struct intrin_layout {
    bool opaque;
    size_t place_count;
    struct intrin_place places[INTRIN_PLACES_MAX];
};

/* Every element of the operand stands in exactly one place (or in `repeats` equal ones). */
enum err_code intrin_layout_parse(const struct intrin *intrin, size_t operand,
                                  struct intrin_layout *out, struct err *err);
/* Axis coordinates of the element at this index of every place. */
void intrin_layout_at(const struct intrin_layout *layout, const uint32_t *place_index,
                      int64_t coordinates[INTRIN_AXES_MAX]);

/* --- matching ------------------------------------------------------------------------------- */

enum intrin_rule {
    INTRIN_AMOS,    /* the published counts: docs/model.md M-62 */
    INTRIN_EXTENDED /* the matrices alone: M-61 */
};
extern const char *const intrin_rule_names[2]; /* "amos", "extended" */

struct intrin_match_options {
    enum intrin_rule rule;
    bool fit; /* only mappings whose fused extents reach the intrinsic's on every axis */
};

/* Bit t of axis[x]: iteration t of the operator feeds axis x. */
struct intrin_mapping {
    uint16_t axis[INTRIN_AXES_MAX];
};

struct intrin_matches {
    size_t count, capacity;
    struct intrin_mapping *mappings; /* ascending by axis[0], axis[1], … */
    size_t candidate_count;          /* tuples of one iteration per axis that the rule accepts */
    char *reason;                    /* count 0: why, in words; else NULL */
};

enum err_code intrin_match(const struct intrin *intrin, const struct expr *expr,
                           const struct intrin_match_options *options, struct intrin_matches *out,
                           struct err *err);
void intrin_matches_release(struct intrin_matches *matches);

/* Rows are tensors in the order first input, second input, output, as in the paper. */
struct intrin_matrix {
    size_t rows, columns;
    bool at[EXPR_ITERS_MAX][EXPR_ITERS_MAX];
};
/* tensors × iterations, 1 where an index uses the iteration. */
struct intrin_matrix intrin_access_matrix(const struct expr *expr);
/* axes × iterations. */
struct intrin_matrix intrin_matching_matrix(const struct intrin *intrin, const struct expr *expr,
                                            const struct intrin_mapping *mapping);
/* Saturating product: 1 where any product of the sum is. */
struct intrin_matrix intrin_matrix_product(const struct intrin_matrix *a,
                                           const struct intrin_matrix *b);
struct intrin_matrix intrin_matrix_transpose(const struct intrin_matrix *a);
/* Algorithm 1: Z ★ Y = X on the mapped columns, and X ★ Yᵀ = Z. */
bool intrin_mapping_is_valid(const struct intrin *intrin, const struct expr *expr,
                             const struct intrin_mapping *mapping);

/* --- ranking -------------------------------------------------------------------------------- */

enum intrin_bound {
    INTRIN_BY_COMPUTE, /* the instruction's interval */
    INTRIN_BY_LATENCY, /* too few accumulators to hide its latency */
    INTRIN_BY_STAGING, /* operands into registers */
    INTRIN_BY_PACKING, /* gathering the operands */
    INTRIN_BY_READ,    /* memory reads */
    INTRIN_BY_WRITE,   /* memory writes */
    INTRIN_BOUND_COUNT
};
extern const char *const intrin_bound_names[INTRIN_BOUND_COUNT];

struct intrin_cost {
    uint64_t calls;
    uint64_t bytes_moved;              /* every packed tile once: inputs read, output written */
    double padding_frac;               /* of the multiply-adds done, those that are padding */
    double cycles[INTRIN_BOUND_COUNT]; /* what each of them would take alone */
    double predicted_cycles, predicted_ns;
    enum intrin_bound bound;         /* the largest */
    uint32_t block[INTRIN_AXES_MAX]; /* calls of a register tile along each axis, as predicted */
};

struct intrin_choice {
    struct intrin_mapping mapping;
    struct intrin_cost cost;
};

enum err_code intrin_predict(const struct intrin *intrin, const struct expr *expr,
                             const struct intrin_mapping *mapping, struct intrin_cost *out,
                             struct err *err);
/* Costs of all matches, lowest predicted time first; where the largest term is the same the sum
 * of all terms decides, then the order of the matches.
 * *choices_take has matches->count entries; free() it. */
enum err_code intrin_rank(const struct intrin *intrin, const struct expr *expr,
                          const struct intrin_matches *matches, struct intrin_choice **choices_take,
                          struct err *err);

/* --- the physical plan ---------------------------------------------------------------------- */

struct intrin_plan_axis {
    size_t iter_count;
    unsigned iters[EXPR_ITERS_MAX]; /* fused, the first one slowest */
    int64_t extent;                 /* fused */
    int64_t tile, tiles;            /* the intrinsic's extent; tiles · tile >= extent */
};

struct intrin_plan_loop {
    unsigned iter;
    int64_t extent;
    bool reduce;
};

/*
 * A dimension whose index may fall outside the tensor or between its elements: the element is zero
 * unless 0 <= index, index % divisor == 0 and index / divisor < extent.
 */
struct intrin_guard {
    size_t dim;
    int64_t divisor, extent, stride;
    int64_t constant;
    int64_t outer[EXPR_ITERS_MAX];   /* per outer loop: index per step */
    int64_t *index[INTRIN_AXES_MAX]; /* [axis][0 … extent) */
};

/*
 * Element offset in the operator's row-major tensor =
 *     constant + Σ outer[l]·loop[l] + Σ offset[x][fused index of axis x]
 *     + Σ over guards with a divisor: stride · (index / divisor).
 * Beyond the fused extent of an axis there is no element: padding.
 */
struct intrin_plan_operand {
    int64_t constant;
    int64_t outer[EXPR_ITERS_MAX];
    int64_t *offset[INTRIN_AXES_MAX]; /* [0 … extent); NULL if the operand lacks the axis */
    size_t guard_count;
    struct intrin_guard guards[EXPR_DIMS_MAX];
    /* Packed: tiles in the order of the operand's own dimensions, each tile dense.
     * Element address = Σ (index / tile) · tile_stride + (index % tile) · element_stride. */
    int64_t tile_stride[INTRIN_AXES_MAX], element_stride[INTRIN_AXES_MAX];
    int64_t tile_elements;
    uint64_t tiles;        /* of one outer iteration */
    uint64_t packed_bytes; /* every distinct tile once, over the outer loops it depends on */
};

struct intrin_plan {
    const struct intrin *intrin;
    const struct expr *expr;
    struct intrin_mapping mapping;
    size_t axis_count;
    struct intrin_plan_axis axes[INTRIN_AXES_MAX];
    size_t loop_count;
    struct intrin_plan_loop loops[EXPR_ITERS_MAX]; /* spatial ones first, then reductions */
    uint64_t outer_points;                         /* product of the loops */
    struct intrin_plan_operand operands[INTRIN_OPERANDS];
    uint64_t calls, bytes_moved;
    double padding_frac;
    struct arena *arena; /* owns the tables */
};

/* Borrows intrinsic and expression for the plan's life. ERR_OVERFLOW, ERR_LIMIT. */
enum err_code intrin_plan_init(struct intrin_plan *out, const struct intrin *intrin,
                               const struct expr *expr, const struct intrin_mapping *mapping,
                               struct err *err);
void intrin_plan_release(struct intrin_plan *plan);

/* The outer loops' share of offsets and guard indices at outer iteration `outer`. */
struct intrin_base {
    int64_t offset[INTRIN_OPERANDS];
    int64_t guard[INTRIN_OPERANDS][EXPR_DIMS_MAX];
};
void intrin_plan_base(const struct intrin_plan *plan, uint64_t outer, struct intrin_base *out);
/* Offset of an operand's element at fused indices at[axis], or -1 where it reads zero. */
int64_t intrin_plan_offset(const struct intrin_plan *plan, const struct intrin_base *base,
                           size_t operand, const int64_t *at);
/* Packed address of the same element, within one outer iteration. */
int64_t intrin_plan_packed(const struct intrin_plan *plan, size_t operand, const int64_t *at);

/* --- slow and plain: what the plan means ---------------------------------------------------- */

/* The operator evaluated directly; out has expr_elements(0), and is added to. */
void intrin_run_direct(const struct expr *expr, const int32_t *first, const int32_t *second,
                       int64_t *out);
/* The plan executed: gather, pack, call the instruction's own expression, scatter. */
void intrin_run_plan(const struct intrin_plan *plan, const int32_t *first, const int32_t *second,
                     int64_t *out);

/* --- for people ----------------------------------------------------------------------------- */

/* "n.p.q" for axis x of a mapping, "-" if empty. Returns buf. */
char *intrin_axis_text(const struct expr *expr, uint16_t iterations, const char *separator,
                       char *buf, size_t size);
/* Matrices, fused loops, address formulas of one mapping. */
void intrin_explain(const struct intrin_plan *plan, struct text *out);

/* --- for reports ---------------------------------------------------------------------------- */

struct intrin_survey_row {
    size_t intrinsic; /* index of the built-in */
    size_t count;     /* mappings under the rule extended, any extent */
    struct intrin_choice best;
};
/* Which built-in intrinsics can run the operator with its types, fastest prediction first.
 * *rows_take is the caller's to free(). */
enum err_code intrin_survey(const struct expr *expr, struct intrin_survey_row **rows_take,
                            size_t *count, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
