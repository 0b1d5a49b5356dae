/*
 * An intrinsic as it is written down: the rows of the built-in table, and what a JSON file is read
 * into. intrin_from_row() turns one into a struct intrin and is the only judge of it.
 */
#ifndef SOCWEAVE_INTRINSICS_INTRIN_ROW_H
#define SOCWEAVE_INTRINSICS_INTRIN_ROW_H

#include "intrinsics/intrin.h"

struct intrin_row {
    const char *name;
    const char *text;    /* "C[i,j] += A[i,k] * B[k,j]" */
    const char *extents; /* "i=16 j=16 k=16" */
    const char *types;   /* output and inputs: "s32 u8 s8" */
    const char *machine;
    double interval_cycles, latency_cycles;
    const char *block; /* "i=8 j=16"; axes not named: 1 */
    struct intrin_memory memory[INTRIN_OPERANDS];
    const char *source, *note;
};

extern const struct intrin_row intrin_rows[];
extern const size_t intrin_row_count;

/* The part of a row that is wrong. */
struct intrin_fault {
    const char *key; /* as in intrinsic/1: "expr", "operands", "block" */
    size_t operand;  /* of "operands": which one, or INTRIN_OPERANDS for all of them */
};

/* Borrows the row's strings. `machine` overrides the row's name of one if not NULL; `fault` may be
 * NULL. */
enum err_code intrin_from_row(const struct intrin_row *row, const struct intrin_machine *machine,
                              struct intrin *out, struct intrin_fault *fault, struct err *err);

#endif
