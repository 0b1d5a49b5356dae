/*
 * Data and a second, independent truth for tests of backends: every point of the expression in
 * turn, through expr_offset().
 */
#ifndef SOCWEAVE_TESTS_BACKEND_CASE_H
#define SOCWEAVE_TESTS_BACKEND_CASE_H

#include "backends/backend.h"
#include "core/rng.h"

size_t backend_case_elements(const struct expr *expr, size_t tensor);
/* Random elements of the tensor's type: all bit patterns of integers, small values of floats.
 * free() it. */
void *backend_case_data(const struct expr *expr, size_t tensor, struct rng *rng);
/* The job's output, evaluated point by point. free() it. */
void *backend_case_expected(const struct backend_job *job, const void *const inputs[2]);
/* The job's output as the backend makes it, into poisoned memory with guards on both sides, twice.
 * free() it. NULL and *why (static) if the backend refuses with ERR_UNSUPPORTED. */
void *backend_case_output(const struct backend *backend, const struct backend_job *job,
                          const void *const inputs[2], const char **why);
/* First element that differs, or the number of elements. */
size_t backend_case_differs(const struct backend_job *job, const void *a, const void *b);

#endif
