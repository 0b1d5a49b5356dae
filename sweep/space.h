/*
 * A design space: a SoC file in which values may be choices, for `sweep` (docs/formats.md,
 * space/1).
 *
 * A *parameter* is one choice: named in "parameters", or written at the place where its value
 * stands, and then named after that place ("nvdla.pe_rows"). A *point* is one value for every
 * parameter, as one number: mixed radix, the first parameter the slowest. space_soc_text() writes
 * the soc/1 file of a point; every point of a space thus goes through the loader of SoCs.
 *
 * Everything here is read-only after space_load(), so threads share a space freely.
 */
#ifndef SOCWEAVE_SWEEP_SPACE_H
#define SOCWEAVE_SWEEP_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/soc.h"
#include "core/text.h"
#include "sweep/area.h"

#define SPACE_PARAMETERS_MAX  64
#define SPACE_VALUES_MAX      4096 /* of one parameter */
#define SPACE_CONSTRAINTS_MAX 64
#define SPACE_NO_POINT        UINT64_MAX

/* What more of a parameter does to a SoC, found by trying (space_relaxes()). */
enum space_order {
    SPACE_UNORDERED,    /* another kind of SoC: a dataflow, a topology */
    SPACE_MORE_IS_MORE, /* PEs, bytes, rates, clocks, accelerators */
    SPACE_LESS_IS_MORE  /* latencies, energies */
};

struct space_parameter {
    const char *name;
    size_t value_count;
    const char *const *texts; /* [value]: as reports show it, "4096", "mesh" */
    const double *numbers;    /* [value]; NAN where it is no number */
    bool is_number;           /* all of them are */
    bool is_log;              /* "scale": "log": show it so */
    enum space_order order;
};

struct space_constraint {
    const char *text; /* "area_mm2 <= 50" */
    bool needs_soc;   /* else parameters alone decide */
};

struct space_template; /* the file as a tree; sweep/space_template.h */

struct space {
    const char *name, *source, *note, *file;
    char sha256[65]; /* of what the file says, whatever its layout; source and note left out */
    size_t parameter_count;
    struct space_parameter *parameters;
    uint64_t point_count; /* product of the value counts, at least 1 */
    size_t constraint_count;
    struct space_constraint *constraints;
    struct area_technology technology;
    const struct space_template *templates;
    struct arena *arena; /* owns all of the above */
};

/*
 * Beside what a SoC file can get wrong: ERR_RANGE (an empty range, no steps), ERR_CYCLE (an
 * expression that leads back to itself), ERR_REFERENCE (an unknown name), ERR_OVERFLOW (more points
 * than 2^63), ERR_INFEASIBLE (no point of a space that is small enough to try them all satisfies
 * the constraints). Points next to the first one in one parameter are tried as SoCs, so that a
 * value out of range is found here.
 */
enum err_code space_load(struct space *out, const char *file, struct err *err);
void space_release(struct space *space);

/* Point <-> choice per parameter (indices of values). */
void space_choices(const struct space *space, uint64_t point, uint32_t *choices);
uint64_t space_point(const struct space *space, const uint32_t *choices);
static inline uint32_t space_choice(const struct space *space, uint64_t point, size_t parameter)
{
    for (size_t i = space->parameter_count; --i > parameter;)
        point /= space->parameters[i].value_count;
    return (uint32_t)(point % space->parameters[parameter].value_count);
}

/* "clock_hz=2e+08 pes=4096": free() it. */
char *space_point_text(const struct space *space, uint64_t point);

/* The soc/1 text of a point; its name is the space's, "#" and the point. ERR_INFEASIBLE where an
 * accelerator finds no free place; ERR_RANGE where an expression divides by zero. */
enum err_code space_soc_text(const struct space *space, uint64_t point, struct text *out,
                             struct err *err);
enum err_code space_soc(const struct space *space, uint64_t point, struct soc *out,
                        struct err *err);

/* Why a point is out. */
struct space_verdict {
    bool feasible;
    size_t constraint;        /* the first that fails; constraint_count: it is not one of them */
    char reason[256];         /* for people */
    double area_mm2, power_w; /* 0 if the SoC was not made */
};
/*
 * Does the point satisfy all constraints? Those of parameters alone are asked before the SoC is
 * made. soc_take may be NULL; else a feasible point's SoC is the caller's to release. Errors are
 * those of space_soc() but ERR_INFEASIBLE, which is a verdict.
 */
enum err_code space_feasible(const struct space *space, uint64_t point,
                             struct space_verdict *verdict, struct soc *soc_take, struct err *err);

/*
 * Does `big` offer at least what `small` does, in the same structure? True if every parameter is
 * equal or at least as generous. Whether more is more was found with the other parameters at their
 * first values, so this is a likely relaxation, not a proof: a mapping of `small` that is replayed
 * on `big` is judged there like any other. A point relaxes itself.
 */
bool space_relaxes(const struct space *space, uint64_t big, uint64_t small);

/* The same of two SoCs, field by field: all accelerators of `small` are in `big` by name, with the
 * same dataflow and at least the PEs, bytes, rates, clock; same topology; no latency or energy is
 * larger. */
bool space_soc_relaxes(const struct soc *big, const struct soc *small);

#endif
