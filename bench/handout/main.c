/* handout run … under mpirun; handout simulate …. Prints one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/handout/handout.h"

static const char usage[] =
    "mpirun -n N+1 handout run --dir DIR LOAD\n"
    "              handout simulate --workers N LOAD SERVICE\n"
    "LOAD     --evaluations N --batch N --mean-s S --variation V --mapping-bytes N\n"
    "SERVICE  --start-s S --receive-s S --keep-s S --commit-s S --row-s S --turnaround-s S\n";

static void misused(const char *what)
{
    fprintf(stderr, "handout: %s\n%s", what, usage);
    exit(2);
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(value >= 0))
        misused(text);
    return value;
}

static void print(const char *how, const struct handout_load *load, const struct handout_result *r)
{
    const struct handout_service *s = &r->service;
    printf("{\"handout\": \"%s\", \"workers\": %u, \"evaluations\": %llu, \"batch\": %llu, "
           "\"mean_s\": %g, \"variation\": %g, \"mapping_bytes\": %llu, \"wall_s\": %.6g, "
           "\"efficiency\": %.4f, \"rank_0_busy\": %.4f, \"start_s\": %.3g, \"receive_s\": %.3g, "
           "\"keep_s\": %.3g, \"commit_s\": %.3g, \"row_s\": %.3g, \"turnaround_s\": %.3g}\n",
           how, r->workers, (unsigned long long)load->evaluations, (unsigned long long)load->batch,
           load->mean_s, load->variation, (unsigned long long)load->mapping_bytes, r->wall_s,
           r->efficiency, r->rank_0_busy, s->start_s, s->receive_s, s->keep_s, s->commit_s,
           s->row_s, s->turnaround_s);
}

int main(int argc, char **argv)
{
    struct handout_load load = { 1000, 1000, 0.1, 0.35, 11000 };
    struct handout_service service = { 0 };
    const char *dir = NULL;
    double workers = 1, evaluations = 1000, batch = 1000, mapping_bytes = 11000;
    const struct {
        const char *name;
        double *value;
    } options[] = {
        { "--workers", &workers },
        { "--evaluations", &evaluations },
        { "--batch", &batch },
        { "--mapping-bytes", &mapping_bytes },
        { "--mean-s", &load.mean_s },
        { "--variation", &load.variation },
        { "--start-s", &service.start_s },
        { "--receive-s", &service.receive_s },
        { "--keep-s", &service.keep_s },
        { "--commit-s", &service.commit_s },
        { "--row-s", &service.row_s },
        { "--turnaround-s", &service.turnaround_s },
    };
    if (argc < 2 || argc % 2 != 0)
        misused("expected a mode and options with values");
    for (int i = 2; i < argc; i += 2) {
        size_t k = 0, count = sizeof options / sizeof *options;
        while (k < count && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k < count)
            *options[k].value = number(argv[i + 1]);
        else if (strcmp(argv[i], "--dir") == 0)
            dir = argv[i + 1];
        else
            misused(argv[i]);
    }
    if (workers < 1 || evaluations < 1 || batch < 1)
        misused("expected at least one worker, one evaluation, batches of one");
    load.evaluations = (uint64_t)evaluations;
    load.batch = (uint64_t)batch;
    load.mapping_bytes = (uint64_t)mapping_bytes;
    if (strcmp(argv[1], "simulate") == 0) {
        struct handout_result result = handout_simulate(&load, &service, (unsigned)workers);
        print("simulated", &load, &result);
    } else if (strcmp(argv[1], "run") == 0 && dir) {
        struct handout_result result = handout_run(&load, dir);
        print("run", &load, &result);
    } else {
        misused(argv[1]);
    }
    return 0;
}
