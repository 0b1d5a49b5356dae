/* Linked where the program is built without CUDA. */
#include <stdio.h>

#include "backends/backend.h"

static void probe(struct backend_probe *out)
{
    *out = (struct backend_probe){ .state = BACKEND_NOT_BUILT };
    snprintf(out->reason, sizeof out->reason,
             "socweave was built without CUDA: build it where nvcc is");
}

static bool takes(const struct intrin *intrin)
{
    (void)intrin;
    return false;
}

static enum err_code prepare(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err)
{
    (void)job;
    (void)out;
    return err_set(err, ERR_UNAVAILABLE, "socweave was built without CUDA: build it where nvcc is");
}

const struct backend backend_cuda = {
    .name = "cuda",
    .follows_plans = true,
    .summary = "Tensor Cores of an NVIDIA GPU",
    .probe = probe,
    .takes = takes,
    .prepare = prepare,
};
