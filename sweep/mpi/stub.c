/* Linked in the place of mpi.c where MPI is left out. */
#include <assert.h>
#include <string.h>

#include "sweep/mpi.h"

bool sweep_mpi_launched(void)
{
    return false;
}

enum err_code sweep_mpi_new(struct sweep_mpi **out, struct err *err)
{
    *out = NULL;
    return err_set(err, ERR_UNAVAILABLE, "built without MPI (install mpicc and build again)");
}

unsigned sweep_mpi_rank(const struct sweep_mpi *mpi)
{
    (void)mpi;
    return 0;
}

unsigned sweep_mpi_size(const struct sweep_mpi *mpi)
{
    (void)mpi;
    return 1;
}

unsigned sweep_mpi_lost(const struct sweep_mpi *mpi)
{
    (void)mpi;
    return 0;
}

enum err_code sweep_mpi_agree(struct sweep_mpi *mpi, const char *identity,
                              const struct err *failure, unsigned jobs, struct err *err)
{
    (void)mpi, (void)identity, (void)failure, (void)jobs;
    return err_set(err, ERR_UNAVAILABLE, "built without MPI");
}

void sweep_mpi_serve(struct sweep_mpi *mpi, const struct sweep_work *work)
{
    (void)mpi, (void)work;
}

struct sweep_spread sweep_mpi_spread(struct sweep_mpi *mpi, double lost_after_s)
{
    struct sweep_spread none;
    (void)mpi, (void)lost_after_s;
    assert(!"sweep_mpi_new() has failed");
    memset(&none, 0, sizeof none);
    return none;
}

void sweep_mpi_free(struct sweep_mpi *mpi)
{
    (void)mpi;
}
