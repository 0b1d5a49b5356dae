/* The CUDA backend's seam: the same with a stub, without a driver, and with a GPU. */
#include <string.h>

#include "backends/backend.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

TEST(backend_cuda__probe__available_or_a_reason)
{
    struct backend_probe found;
    backend_cuda.probe(&found);
    CHECK(found.state < BACKEND_STATE_COUNT);
    CHECK((found.state == BACKEND_AVAILABLE) == (found.reason[0] == '\0'));
    CHECK((found.state == BACKEND_AVAILABLE) <= (found.units > 0));
}

TEST(backend_cuda__prepare_where_it_is_not_available__says_so)
{
    struct backend_probe found;
    backend_cuda.probe(&found);
    if (found.state == BACKEND_AVAILABLE)
        test_skip("a GPU is here");
    struct expr expr;
    match_op("gemm", "m=4 n=4 k=4", &expr);
    struct backend_job job = { .expr = &expr, .threads = 1 };
    struct backend_kernel *kernel = NULL;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_UNAVAILABLE, backend_cuda.prepare(&job, &kernel, &err));
    CHECK(kernel == NULL && strstr(err.text, found.reason) != NULL);
}
