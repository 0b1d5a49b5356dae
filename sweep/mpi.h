/*
 * A sweep over many machines, by MPI: every rank runs the same command; rank 0 hands out jobs and
 * owns the study, the others do nothing but jobs, each in processes forked for them. Built when
 * mpicc is there (mpi/mpi.c); else every call but sweep_mpi_launched() says ERR_UNAVAILABLE
 * (mpi/stub.c).
 *
 * A worker tells every second that it is alive. One that is silent for `lost_after_s` is given up
 * and its jobs are handed to others, provided that the launcher lets the rest live (mpirun
 * --enable-recovery). Otherwise the launcher ends all, and the study resumes.
 */
#ifndef SOCWEAVE_SWEEP_MPI_H
#define SOCWEAVE_SWEEP_MPI_H

#include "sweep/spread.h"

/* By a launcher, as one of several ranks: from its environment. */
bool sweep_mpi_launched(void);

struct sweep_mpi;
/* MPI_Init, before any other use of `argc`. */
enum err_code sweep_mpi_new(struct sweep_mpi **out, struct err *err);
unsigned sweep_mpi_rank(const struct sweep_mpi *mpi);
unsigned sweep_mpi_size(const struct sweep_mpi *mpi);

/*
 * All ranks, once: `identity` names program, space, workload and options; every rank must have the
 * same, or rank 0 gets ERR_REFERENCE with the odd one's host. A rank that could not read its files
 * gives its error as `failure`. `jobs`: how many this rank does at once.
 */
enum err_code sweep_mpi_agree(struct sweep_mpi *mpi, const char *identity,
                              const struct err *failure, unsigned jobs, struct err *err);

/* Ranks but 0: until rank 0 has no more jobs. */
void sweep_mpi_serve(struct sweep_mpi *mpi, const struct sweep_work *work);

/* Rank 0. Its free() leaves `mpi` alone. */
struct sweep_spread sweep_mpi_spread(struct sweep_mpi *mpi, double lost_after_s);
/* Ranks that were given up. */
unsigned sweep_mpi_lost(const struct sweep_mpi *mpi);

/* Rank 0 lets the others go; MPI_Finalize. NULL is fine. */
void sweep_mpi_free(struct sweep_mpi *mpi);

#endif
