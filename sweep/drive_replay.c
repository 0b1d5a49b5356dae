/*
 * "Best of new and known": after a batch, no point may be worse than a point that it relaxes, for
 * the smaller one's mapping runs on it as well. Rounds of replays until nothing gets better:
 * in each, every target takes the best source among the points it relaxes that is better than the
 * target, and that it has not tried in this state. Targets are the batch's requests and the
 * incumbent (best outcome) of every other known point; sources are incumbents. Pairs of old points
 * were looked at in earlier batches: one of the two is new, or has just got better.
 *
 * The order is that of values, then of points: nothing depends on who finished first.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "sweep/drive_jobs.h"

#define TRIES_MAX  4 /* of a target in vain, in one pass */
#define ROUNDS_MAX 64

struct standing {
    struct sweep_request request;
    struct sweep_outcome now;
    double value;
    bool in_batch;
    bool incumbent; /* the best of its point */
    bool fresh;     /* in the batch, or better since */
    bool improved;
    struct sweep_request from; /* whose mapping it has, if improved */
    struct text mapping;       /* if improved */
    unsigned tries;
    struct {
        size_t source;
        double value;
    } tried[TRIES_MAX];
};

struct pass {
    const struct sweep_drive *drive;
    struct sweep_drive_result *result;
    uint64_t batch;
    struct standing *standings;
    size_t count;
    size_t *sources; /* incumbents by value, then point */
    size_t source_count;
    size_t *fresh_sources; /* of these, what an old target has not seen */
    size_t fresh_source_count;
    size_t *targets, *chosen; /* jobs of this round: target, source */
    size_t job_count;
};

static double value_of(const struct pass *pass, const struct sweep_outcome *outcome)
{
    return objective_value(pass->drive->objective, outcome->makespan_ps, outcome->energy_pj);
}

/* --- who stands where --------------------------------------------------------------------------
 */

static int by_request(const void *a, const void *b)
{
    const struct standing *x = (const struct standing *)a, *y = (const struct standing *)b;
    if (x->request.point != y->request.point)
        return x->request.point < y->request.point ? -1 : 1;
    return (x->request.rung > y->request.rung) - (x->request.rung < y->request.rung);
}

/* Of each point the best outcome; of equal ones that of the highest rung. Sorted by request. */
static void mark_incumbents(struct pass *pass)
{
    for (size_t i = 0, next; i < pass->count; i = next) {
        size_t best = i;
        for (next = i + 1; next < pass->count &&
                           pass->standings[next].request.point == pass->standings[i].request.point;
             next++)
            if (pass->standings[next].value <= pass->standings[best].value)
                best = next;
        pass->standings[best].incumbent = true;
    }
}

static bool is_in(const struct sweep_request *requests, size_t count, struct sweep_request wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        bool before = requests[mid].point != wanted.point ? requests[mid].point < wanted.point
                                                          : requests[mid].rung < wanted.rung;
        if (before)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && requests[low].point == wanted.point && requests[low].rung == wanted.rung;
}

static int by_point(const void *a, const void *b)
{
    const struct sweep_request *x = (const struct sweep_request *)a;
    const struct sweep_request *y = (const struct sweep_request *)b;
    if (x->point != y->point)
        return x->point < y->point ? -1 : 1;
    return (x->rung > y->rung) - (x->rung < y->rung);
}

/* Only what was asked up to this batch: a resumed store may hold more, but has not told it. */
static void gather(struct pass *pass, const struct sweep_request *requests, size_t count)
{
    struct sweep_request *sorted = (struct sweep_request *)mem_alloc(count + 1, sizeof *sorted);
    memcpy(sorted, requests, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_point);
    size_t known = sweep_store_count(pass->drive->store);
    pass->standings = (struct standing *)mem_alloc(known + 1, sizeof *pass->standings);
    for (size_t i = 0; i < known; i++) {
        const struct sweep_record *record = sweep_store_at(pass->drive->store, i);
        if (record->settled.status != SWEEP_OK || record->batch > pass->batch)
            continue;
        struct standing *s = &pass->standings[pass->count++];
        s->request = record->request;
        s->now = record->settled;
        s->value = value_of(pass, &s->now);
        s->in_batch = s->fresh = is_in(sorted, count, record->request);
    }
    free(sorted);
    qsort(pass->standings, pass->count, sizeof *pass->standings, by_request);
    mark_incumbents(pass);
}

/* --- a round -----------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b, void *ctx)
{
    const struct standing *standings = ((const struct pass *)ctx)->standings;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (standings[i].value != standings[j].value)
        return standings[i].value < standings[j].value ? -1 : 1;
    return (i > j) - (i < j);
}

static void sort_sources(struct pass *pass)
{
    pass->source_count = 0;
    for (size_t i = 0; i < pass->count; i++)
        if (pass->standings[i].incumbent)
            pass->sources[pass->source_count++] = i;
    qsort_r(pass->sources, pass->source_count, sizeof *pass->sources, by_value, pass);
    pass->fresh_source_count = 0;
    for (size_t i = 0; i < pass->source_count; i++)
        if (pass->standings[pass->sources[i]].fresh)
            pass->fresh_sources[pass->fresh_source_count++] = pass->sources[i];
}

static bool was_tried(const struct standing *target, size_t source, double value)
{
    for (unsigned i = 0; i < target->tries; i++)
        if (target->tried[i].source == source && target->tried[i].value == value)
            return true;
    return false;
}

/* pass->count if there is none. */
static size_t best_source(const struct pass *pass, const struct standing *target)
{
    const struct sweep_drive *drive = pass->drive;
    const size_t *sources = target->fresh ? pass->sources : pass->fresh_sources;
    size_t count = target->fresh ? pass->source_count : pass->fresh_source_count;
    for (size_t i = 0; i < count; i++) {
        size_t at = sources[i];
        const struct standing *source = &pass->standings[at];
        if (source->value >= target->value)
            break;
        if (!was_tried(target, at, source->value) &&
            drive->relaxes(drive->ctx, target->request.point, source->request.point))
            return at;
    }
    return pass->count;
}

static void choose_jobs(struct pass *pass)
{
    sort_sources(pass);
    pass->job_count = 0;
    for (size_t i = 0; i < pass->count; i++) {
        struct standing *target = &pass->standings[i];
        if (target->tries == TRIES_MAX || !(target->in_batch || target->incumbent))
            continue;
        size_t source = best_source(pass, target);
        if (source == pass->count)
            continue;
        target->tried[target->tries].source = source;
        target->tried[target->tries++].value = pass->standings[source].value;
        pass->targets[pass->job_count] = i;
        pass->chosen[pass->job_count++] = source;
    }
}

static enum err_code make_replay(void *ctx, size_t i, struct sweep_job *job, struct err *err)
{
    const struct pass *pass = (const struct pass *)ctx;
    const struct standing *target = &pass->standings[pass->targets[i]];
    const struct standing *source = &pass->standings[pass->chosen[i]];
    job->kind = SWEEP_JOB_REPLAY;
    job->request = target->request;
    job->from = source->request;
    job->current = target->now;
    if (source->improved) {
        text_add_bytes(&job->mapping, source->mapping.data, source->mapping.bytes);
        return ERR_OK;
    }
    return sweep_store_mapping_as_kept(pass->drive->store, source->request, &job->mapping, err);
}

/* Answers wait for the end of the round: a job of the same round must not see them. */
struct round {
    struct pass *pass;
    struct sweep_answer *answers; /* [job] */
};

static enum err_code make_of_round(void *ctx, size_t i, struct sweep_job *job, struct err *err)
{
    return make_replay(((struct round *)ctx)->pass, i, job, err);
}

static enum err_code take_of_round(void *ctx, size_t i, struct sweep_answer *answer,
                                   struct err *err)
{
    struct round *round = (struct round *)ctx;
    (void)err;
    round->answers[i] = *answer;
    memset(&answer->mapping, 0, sizeof answer->mapping);
    memset(&answer->reason, 0, sizeof answer->reason);
    round->pass->result->progress.replays++;
    return ERR_OK;
}

static void accept(struct pass *pass, size_t job, struct sweep_answer *answer)
{
    struct standing *target = &pass->standings[pass->targets[job]];
    const struct standing *source = &pass->standings[pass->chosen[job]];
    if (answer->crashed || answer->outcome.status != SWEEP_OK ||
        value_of(pass, &answer->outcome) >= target->value)
        return;
    target->now = answer->outcome;
    target->now.replayed_from = source->request.point;
    target->value = value_of(pass, &target->now);
    target->from = source->request;
    target->fresh = target->improved = true;
    target->tries = 0;
    text_release(&target->mapping);
    target->mapping = answer->mapping;
    memset(&answer->mapping, 0, sizeof answer->mapping);
}

static enum err_code run_round(struct pass *pass, bool *stopped, struct err *err)
{
    size_t done;
    struct round round = { pass, NULL };
    round.answers = (struct sweep_answer *)mem_alloc(pass->job_count + 1, sizeof *round.answers);
    struct sweep_jobs jobs = { pass->drive, pass->result,  pass->job_count,
                               &round,      make_of_round, take_of_round };
    enum err_code rc = sweep_jobs_run(&jobs, &done, err);
    *stopped = rc == ERR_OK && done < pass->job_count;
    for (size_t i = 0; i < pass->job_count; i++) {
        if (rc == ERR_OK && !*stopped)
            accept(pass, i, &round.answers[i]);
        sweep_answer_release(&round.answers[i]);
    }
    free(round.answers);
    return rc;
}

/* A target that got better may have stopped being, or become, the best of its point. */
static void refresh_incumbents(struct pass *pass)
{
    for (size_t i = 0; i < pass->count; i++)
        pass->standings[i].incumbent = false;
    mark_incumbents(pass);
}

static enum err_code settle(struct pass *pass, struct err *err)
{
    size_t count = 0;
    struct sweep_improvement *improvements =
        (struct sweep_improvement *)mem_alloc(pass->count + 1, sizeof *improvements);
    for (size_t i = 0; i < pass->count; i++) {
        const struct standing *s = &pass->standings[i];
        if (s->improved)
            improvements[count++] =
                (struct sweep_improvement){ s->request, s->from, s->now, &s->mapping };
    }
    enum err_code rc =
        sweep_store_settle(pass->drive->store, pass->batch, improvements, count, err);
    free(improvements);
    return rc;
}

enum err_code sweep_drive_replay(const struct sweep_drive *drive, uint64_t batch,
                                 const struct sweep_request *requests, size_t count,
                                 struct sweep_drive_result *result, bool *stopped, struct err *err)
{
    enum err_code rc = ERR_OK;
    struct pass pass = { .drive = drive, .result = result, .batch = batch };
    gather(&pass, requests, count);
    pass.sources = (size_t *)mem_alloc(pass.count + 1, sizeof *pass.sources);
    pass.fresh_sources = (size_t *)mem_alloc(pass.count + 1, sizeof *pass.sources);
    pass.targets = (size_t *)mem_alloc(pass.count + 1, sizeof *pass.targets);
    pass.chosen = (size_t *)mem_alloc(pass.count + 1, sizeof *pass.chosen);
    *stopped = false;
    for (int rounds = 0; rc == ERR_OK && !*stopped && rounds < ROUNDS_MAX; rounds++) {
        choose_jobs(&pass);
        if (!pass.job_count)
            break;
        rc = run_round(&pass, stopped, err);
        refresh_incumbents(&pass);
    }
    if (rc == ERR_OK && !*stopped)
        rc = settle(&pass, err);
    for (size_t i = 0; i < pass.count; i++)
        text_release(&pass.standings[i].mapping);
    free(pass.standings);
    free(pass.sources);
    free(pass.fresh_sources);
    free(pass.targets);
    free(pass.chosen);
    return rc;
}
