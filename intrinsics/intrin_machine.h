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

/*
 * What so many threads reach: bytes, operations and elements per second all together, times each by
 * itself. 0: not measured. The second half is what kernels take beside products and reads
 * (docs/model.md M-145 to M-153), measured on the kernels of this program, but on shapes of their
 * own.
 */
struct intrin_rates {
    unsigned threads;
    double peak_ops_per_s; /* u8 x s8 multiply-adds in registers, two operations each */
    double l1_bytes_per_s, l2_bytes_per_s, l3_bytes_per_s, memory_bytes_per_s; /* read */
    double call_ns; /* waking the threads and waiting for them */

    double l1_write_bytes_per_s, l2_write_bytes_per_s, l3_write_bytes_per_s,
        memory_write_bytes_per_s;
    double chain_ns;     /* between two products on the same sums */
    double tile_ns;      /* beginning and end of a register tile */
    double exposed_frac; /* of transfers between caches and of products: not hidden by each other */
    /* Packing a second operand that comes with the call: its depth, or its columns, are neighbours
     * in memory. Bytes of the packed panels. */
    double pack_along_bytes_per_s, pack_across_bytes_per_s;
    double lanes_quad_ns,
        lanes_row_ns; /* depthwise, 64 channels: four taps; a row's begin and end */
    /* Depthwise of three columns that slide: a column that is loaded, a row of outputs, a run of
     * rows at its beginning and end. */
    double window_column_ns, window_row_ns, window_run_ns;
    double epilogue_elements_per_s; /* requantised, or stored as another type */
};

/* Between the host's memory and a device's own: copies, and what one of next to nothing takes. */
struct intrin_link {
    double to_bytes_per_s, from_bytes_per_s; /* 0: there is no link, it is the host itself */
    double call_ns;
};

struct intrin_calibration {
    const char *name; /* of the CPU, or of the device */
    const char *version, *command;
    unsigned cores, samples;
    double l1_bytes, l2_bytes, l3_bytes; /* 0: unknown */
    struct intrin_link link;
    size_t rate_count; /* at least 1; threads grow */
    struct intrin_rates rates[INTRIN_RATES_MAX];
};

void intrin_calibration_json(const struct intrin_calibration *calibration, struct text *out);
/* The arena owns the names. */
enum err_code intrin_calibration_load(struct intrin_calibration *out, const char *file,
                                      struct arena *arena, struct err *err);

/* The row with these threads, else the next one with more, else the last. */
const struct intrin_rates *intrin_rates_for(const struct intrin_calibration *calibration,
                                            unsigned threads);

/* Measured on two virtual Zen 5 cores: what predictions use where nothing was calibrated. */
extern const struct intrin_calibration intrin_calibration_zen5;

/*
 * The model's machine when `threads` work: measured where there is a figure, else as in `base`.
 * Takes the row of intrin_rates_for(). The name is borrowed. docs/model.md M-118.
 */
struct intrin_machine intrin_machine_at(const struct intrin_calibration *calibration,
                                        unsigned threads, const struct intrin_machine *base);

#endif
