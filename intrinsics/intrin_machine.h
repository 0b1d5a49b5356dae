/*
 * A machine that was measured: machine/1 files (docs/formats.md), which `validate --calibrate`
 * writes and the ranking model takes in place of the built-in constants.
 */
#ifndef SOCWEAVE_INTRINSICS_INTRIN_MACHINE_H
#define SOCWEAVE_INTRINSICS_INTRIN_MACHINE_H

#include "core/text.h"
#include "intrinsics/intrin.h"

#define INTRIN_RATES_MAX       16
#define INTRIN_CALL_OPERATIONS 128 /* of one vpdpbusd on 512 bits: 64 multiply-adds */

/* What so many threads reach together. 0: not measured. */
struct intrin_rates {
    unsigned threads;
    double peak_ops_per_s; /* u8 x s8 multiply-adds in registers, two operations each */
    double l1_bytes_per_s, l2_bytes_per_s, l3_bytes_per_s, memory_bytes_per_s; /* read */
    double call_ns; /* waking the threads and waiting for them */
};

struct intrin_calibration {
    const char *name; /* of the CPU */
    const char *version, *command;
    unsigned cores, samples;
    double l1_bytes, l2_bytes, l3_bytes; /* 0: unknown */
    size_t rate_count;                   /* at least 1; threads grow */
    struct intrin_rates rates[INTRIN_RATES_MAX];
};

void intrin_calibration_json(const struct intrin_calibration *calibration, struct text *out);
/* The arena owns the names. */
enum err_code intrin_calibration_load(struct intrin_calibration *out, const char *file,
                                      struct arena *arena, struct err *err);

/*
 * The model's machine when `threads` work: measured where there is a figure, else as in `base`.
 * Takes the row with these threads, else the next one with more, else the last. The name is
 * borrowed. docs/model.md M-118.
 */
struct intrin_machine intrin_machine_at(const struct intrin_calibration *calibration,
                                        unsigned threads, const struct intrin_machine *base);

#endif
