/*
 * How well a sweep over many machines keeps them busy: the loop of rank 0 (sweep/drive.h) with
 * evaluations that only sleep, for real under mpirun and as an event-driven simulation with the
 * service times that the real one measured. docs/scaling.md has what came out.
 *
 * An evaluation of point p takes a lognormal time keyed by p, the same in both.
 */
#ifndef SOCWEAVE_BENCH_HANDOUT_H
#define SOCWEAVE_BENCH_HANDOUT_H

#include <stdint.h>

/* What is to be done. */
struct handout_load {
    uint64_t evaluations, batch;
    double mean_s, variation; /* of an evaluation's time; standard deviation over mean */
    uint64_t mapping_bytes;   /* of an answer */
};
double handout_duration_s(const struct handout_load *load, uint64_t point);

/* What each step of rank 0 takes. */
struct handout_service {
    double start_s;      /* to pack and send a job */
    double receive_s;    /* to receive and unpack an answer, or a sign of life */
    double keep_s;       /* to keep it in memory and look around */
    double commit_s;     /* a transaction without rows */
    double row_s;        /* each of its rows, more */
    double turnaround_s; /* from job sent to answer there, without the evaluation */
};

struct handout_result {
    unsigned workers;
    double wall_s;
    double efficiency;  /* time in evaluations / (workers · wall_s) */
    double rank_0_busy; /* share of wall_s; 0: not known */
    struct handout_service service;
};

struct handout_result handout_simulate(const struct handout_load *load,
                                       const struct handout_service *service, unsigned workers);

/* Under mpirun, on every rank; ranks but 0 do not return. dir: an empty folder for the study. */
struct handout_result handout_run(const struct handout_load *load, const char *dir);

#endif
