#include "cost/cost_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "cost/cost_measured.h"

#define SWEEPS 20000 /* of coordinate descent; far more than it takes */

/* What each unknown is multiplied with: seconds per call, per epilogue element, per operation and
 * byte of each kind. */
enum {
    CALL,
    EPILOGUE,
    OPERATIONS,
    BYTES = OPERATIONS + OP_KIND_COUNT,
    UNKNOWNS = BYTES + OPERAND_COUNT * OP_KIND_COUNT
};

struct row {
    double amount[UNKNOWNS]; /* per measured second, so that every row should come to 1 */
};

static void fill_row(const struct cost_timed *timed, const struct dataflow_measured *granules,
                     struct row *row)
{
    const struct layer_shape *shape = &timed->shape;
    memset(row, 0, sizeof *row);
    row->amount[CALL] = 1 / timed->seconds;
    row->amount[EPILOGUE] = (double)shape->epilogue_elements / timed->seconds;
    row->amount[OPERATIONS + shape->kind] =
        cost_measured_operations(shape, granules) / timed->seconds;
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++)
        row->amount[BYTES + operand * OP_KIND_COUNT + shape->kind] =
            cost_measured_bytes(shape, (enum operand)operand) / timed->seconds;
}

/* Least squares over numbers that are not negative: one unknown at a time, again and again. */
static void solve(const struct row *rows, size_t count, double x[UNKNOWNS])
{
    double *rest = mem_alloc(count + 1, sizeof *rest), squares[UNKNOWNS] = { 0 };
    for (size_t i = 0; i < count; i++) {
        rest[i] = 1;
        for (unsigned k = 0; k < UNKNOWNS; k++)
            squares[k] += rows[i].amount[k] * rows[i].amount[k];
    }
    memset(x, 0, UNKNOWNS * sizeof *x);
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++)
        for (unsigned k = 0; k < UNKNOWNS; k++) {
            double slope = 0;
            for (size_t i = 0; i < count; i++)
                slope += rest[i] * rows[i].amount[k];
            double next = squares[k] > 0 ? fmax(0, x[k] + slope / squares[k]) : 0;
            for (size_t i = 0; i < count && next != x[k]; i++)
                rest[i] -= (next - x[k]) * rows[i].amount[k];
            x[k] = next;
        }
    free(rest);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_error(const struct cost_timed *timed, size_t count,
                           const struct dataflow_measured *measured)
{
    double *errors = mem_alloc(count + 1, sizeof *errors);
    for (size_t i = 0; i < count; i++)
        errors[i] = fabs(cost_measured_seconds(&timed[i].shape, measured) / timed[i].seconds - 1);
    qsort(errors, count, sizeof *errors, by_value);
    double median = count == 0  ? 0
                    : count % 2 ? errors[count / 2]
                                : (errors[count / 2 - 1] + errors[count / 2]) / 2;
    free(errors);
    return median;
}

static double rate(double seconds_each)
{
    return seconds_each > 1e-18 ? 1 / seconds_each : 0;
}

double cost_fit(const struct cost_timed *timed, size_t count, struct dataflow_measured *out)
{
    struct row *rows = mem_alloc(count + 1, sizeof *rows);
    double x[UNKNOWNS];
    bool any[OP_KIND_COUNT] = { false };
    for (size_t i = 0; i < count; i++) {
        fill_row(&timed[i], out, &rows[i]);
        any[timed[i].shape.kind] = true;
    }
    solve(rows, count, x);
    free(rows);
    out->present = true;
    out->call_ns = 1e9 * x[CALL];
    out->epilogue_elements_per_s = rate(x[EPILOGUE]);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        struct dataflow_rate found = { .present = any[kind],
                                       .ops_per_s = rate(x[OPERATIONS + kind]) };
        bool none = found.ops_per_s == 0;
        for (unsigned operand = 0; operand < OPERAND_COUNT; operand++) {
            found.bytes_per_s[operand] = rate(x[BYTES + operand * OP_KIND_COUNT + kind]);
            none = none && found.bytes_per_s[operand] == 0;
        }
        if (any[kind] && none)
            found.ops_per_s = 1e18; /* calls and epilogues explain all of it */
        out->rates[kind] = found;
    }
    return median_error(timed, count, out);
}
