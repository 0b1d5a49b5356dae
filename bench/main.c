#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "core/arena.h"
#include "cost/cost.h"

struct bench {
    const char *name;
    bench_function *run;
};

static struct bench *benches;
static size_t bench_count;

void bench_register(const char *name, bench_function *run)
{
    benches = mem_grow(benches, bench_count + 1, sizeof *benches);
    benches[bench_count++] = (struct bench){ name, run };
}

void bench_report(const char *bench, double value, const char *unit)
{
    printf("{\"bench\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", bench, value, unit);
    fflush(stdout);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double round_s(void (*run)(void *ctx), void *ctx)
{
    double begin = now_s(), end = begin;
    size_t calls = 0;
    for (size_t batch = 1; end - begin < 0.01; batch *= 2) {
        for (size_t i = 0; i < batch; i++)
            run(ctx);
        calls += batch;
        end = now_s();
    }
    return (end - begin) / (double)calls;
}

double bench_seconds(void (*run)(void *ctx), void *ctx)
{
    double best = round_s(run, ctx);
    for (int i = 1; i < 25; i++) {
        double s = round_s(run, ctx);
        best = s < best ? s : best;
    }
    return best;
}

static void fail(const struct err *err)
{
    char line[2048];
    fprintf(stderr, "bench: %s\n", err_format(err, line, sizeof line));
    exit(1);
}

void bench_case_open_files(struct bench_case *c, const char *soc_file, const char *workload_file)
{
    struct err err = ERR_INIT;
    const struct cost_options options = { .sharing = COST_SHARING_ELASTIC };
    if (soc_load(&c->soc, soc_file, &err) != ERR_OK ||
        workload_load(&c->workload, workload_file, &err) != ERR_OK ||
        cost_build_problem(&c->soc, &c->workload, &options, &c->problem, &err) != ERR_OK)
        fail(&err);
}

void bench_case_open(struct bench_case *c, const char *soc, const char *workload)
{
    char soc_file[512], workload_file[512];
    snprintf(soc_file, sizeof soc_file, "soc-configs/%s.json", soc);
    snprintf(workload_file, sizeof workload_file, "dnn-graphs/workloads/%s.json", workload);
    bench_case_open_files(c, soc_file, workload_file);
}

void bench_case_close(struct bench_case *c)
{
    problem_release(&c->problem);
    workload_release(&c->workload);
    soc_release(&c->soc);
}

static int is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]) != NULL)
            return 1;
    return argc == 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bench *)a)->name, ((const struct bench *)b)->name);
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    if (bench_count > 0)
        qsort(benches, bench_count, sizeof *benches, by_name);
    for (size_t i = 0; i < bench_count; i++) {
        if (!is_wanted(benches[i].name, argc, argv))
            continue;
        benches[i].run();
        ran++;
    }
    free(benches);
    if (ran == 0)
        fprintf(stderr, "bench: no benchmark has such a name\n");
    return ran == 0;
}
