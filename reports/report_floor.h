/*
 * The PEs of an accelerator as free and taken stretches, to draw layers that share it one above
 * the other. Positions are for the eye: the model only counts PEs. A layer gets the lowest gap
 * that it fits, or several gaps where it fits none.
 */
#ifndef SOCWEAVE_REPORTS_REPORT_FLOOR_H
#define SOCWEAVE_REPORTS_REPORT_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_PIECES_MAX 256 /* taken at a time; further ones are not drawn */

struct report_piece {
    uint64_t from, to; /* PEs */
    uint64_t end_ps;
};

struct report_floor {
    uint64_t pes;
    struct report_piece taken[REPORT_PIECES_MAX]; /* by from */
    size_t count;
};

/* Frees what ends at or before now. */
void report_floor_leave(struct report_floor *floor, uint64_t now_ps);
/* Takes `pes` until `end_ps`; returns how many pieces that took. */
size_t report_floor_enter(struct report_floor *floor, uint64_t pes, uint64_t end_ps,
                          struct report_piece out[REPORT_PIECES_MAX]);

#endif
