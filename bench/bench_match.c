/* The matcher: enumeration and ranking, and the memory of the results. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "core/operator.h"
#include "intrinsics/intrin.h"

struct match_case {
    struct intrin intrin;
    struct expr expr;
    enum intrin_rule rule;
    size_t count, bytes;
};

static void must(enum err_code rc, const struct err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_match: %s\n", err->text);
    exit(1);
}

static void match_and_rank(void *ctx)
{
    struct match_case *c = ctx;
    struct err err = ERR_INIT;
    struct intrin_match_options options = { c->rule, false };
    struct intrin_matches matches;
    struct intrin_choice *choices;
    must(intrin_match(&c->intrin, &c->expr, &options, &matches, &err), &err);
    must(intrin_rank(&c->intrin, &c->expr, &matches, &choices, &err), &err);
    c->count = matches.count;
    c->bytes = matches.capacity * sizeof *matches.mappings + matches.count * sizeof *choices;
    free(choices);
    intrin_matches_release(&matches);
}

static void run_case(const char *op, const struct expr_binding *bindings, size_t count,
                     enum intrin_rule rule, const char *name)
{
    struct match_case c = { .rule = rule };
    struct err err = ERR_INIT;
    char bench[64];
    must(intrin_find("wmma.m16n16k16.f16", &c.intrin, &err), &err);
    must(op_bind(op_find(op), bindings, count, &c.expr, &err), &err);
    double seconds = bench_seconds(match_and_rank, &c);
    snprintf(bench, sizeof bench, "match.%s.mappings", name);
    bench_report(bench, (double)c.count, "1");
    snprintf(bench, sizeof bench, "match.%s.time", name);
    bench_report(bench, 1e3 * seconds, "ms");
    snprintf(bench, sizeof bench, "match.%s.bytes_per_mapping", name);
    bench_report(bench, (double)c.bytes / (double)c.count, "bytes");
}

BENCH(match)
{
    static const struct expr_binding conv3d[] = {
        { "n", 1, true },  { "k", 64, true }, { "d", 16, true },
        { "p", 56, true }, { "q", 56, true }, { "c", 64, true },
        { "t", 3, true },  { "r", 3, true },  { "s", 3, true },
    };
    static const struct expr_binding capsule[] = {
        { "n", 1, true }, { "k", 32, true }, { "p", 14, true }, { "q", 14, true }, { "i", 4, true },
        { "j", 4, true }, { "c", 32, true }, { "r", 3, true },  { "s", 3, true },  { "l", 4, true },
    };
    run_case("conv3d", conv3d, 9, INTRIN_AMOS, "conv3d");
    run_case("matrix_capsule_conv2d", capsule, 10, INTRIN_EXTENDED, "matrix_capsule");
}
