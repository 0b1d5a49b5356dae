/*
 * What one call of the engine does, counted from its tables before anything runs, and the time that
 * this takes on a machine whose rates are known. docs/model.md M-145 to M-154.
 *
 * Counting is the engine's (kernel_engine_count()), for it knows the tiles it will run; the time is
 * a pure function of these counts and of machine/1 rates. Nothing here knows a kernel's name: where
 * a kernel changes, its rates are measured again.
 */
#ifndef SOCWEAVE_BACKENDS_CPU_WORK_H
#define SOCWEAVE_BACKENDS_CPU_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/backend.h"
#include "intrinsics/intrin_machine.h"

/* Register tiles of one shape. A step is one quad of the depth: rows broadcasts, vectors loads,
 * rows · vectors products; at its end rows · vectors sums are stored. */
struct kernel_work_tiles {
    unsigned rows, vectors;
    bool even;           /* rows at one distance; else each takes its offset from a table */
    double tiles, steps; /* steps of all these tiles together */
};

/* Bytes that pass between a level of memory and the core. What lies between two uses of the same
 * byte decides the level. Panels of B come for the first time with their first tiles; everything
 * else is spread evenly over the work. Of scattered lines no prefetch knows the next. */
struct kernel_work_stream {
    double bytes, between_bytes;
    bool writes, first, scattered;
};

/* Depthwise: rows of 64 channels, each of some quads of four taps. */
struct kernel_work_lanes {
    /* Where three columns slide: columns that are loaded, rows, runs of rows; else 0. */
    double window_columns, window_rows, window_runs;
    double rows, quads; /* quads of all rows together */
    double loads;       /* vectors; those across two lines count twice */
    double stores;      /* vectors of sums; those across two lines count twice */
};

/* Rows 1 to 14, even or not, full and last panel. */
#define KERNEL_WORK_TILES   64
#define KERNEL_WORK_STREAMS 6

struct kernel_work {
    unsigned threads;        /* that take part */
    double busiest_frac;     /* share of the work that the busiest thread does: >= 1 / threads */
    unsigned parallel_parts; /* times that the threads are woken and waited for */
    size_t tile_count;
    struct kernel_work_tiles tiles[KERNEL_WORK_TILES];
    double split_frac; /* of the stores at tile ends: across two lines */
    struct kernel_work_lanes lanes;
    double first_frac; /* of the core's time: beside `first` streams */
    size_t stream_count;
    struct kernel_work_stream streams[KERNEL_WORK_STREAMS];
    double packed_bytes; /* of B, in this call; 0 if it is constant */
    bool packs_along;    /* its depth lies side by side in the host's tensor; else its columns */
    double epilogue_elements; /* that do not leave as they were summed */
};

/* The rates are those of the row for work->threads (M-118). A rate that is not known (0) leaves its
 * term out; the forecast's terms are of static names. */
void kernel_work_forecast(const struct kernel_work *work, const struct intrin_calibration *machine,
                          struct backend_forecast *out);

#endif
