/* The loop with a strategy and an evaluator of its own: what is asked depends on what was told, so
 * any difference in what is told shows. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "sweep/drive.h"
#include "tests/test.h"

/* Points are pairs (x, y) in 0..9: x is "more is more", y is another kind of SoC. */
#define SIDE 10

struct fake {
    const char *dir; /* for marks of crashes */
    uint64_t crash_point, crash_once_point;
    size_t batch, batches_max, stop_after;
    struct sweep_request requests[64];
    size_t count;
    uint64_t told_hash;
    struct sweep_drive_result result;
};

/* A search with noise: more x is better by the model, but what is found may be worse. */
static uint64_t searched_ps(struct sweep_request request)
{
    uint64_t x = request.point / SIDE, y = request.point % SIDE;
    uint64_t noise = (request.point * 2654435761u + request.rung * 40503u) % 400;
    return 2000 - 100 * x + 10 * y + noise / (request.rung + 1);
}

/* The mapping is the makespan that the search found beyond what the SoC allows. */
static void run_job(const void *ctx, const struct sweep_job *job, struct sweep_answer *answer)
{
    const struct fake *fake = (const struct fake *)ctx;
    uint64_t x = job->request.point / SIDE, y = job->request.point % SIDE;
    if (job->kind == SWEEP_JOB_REPLAY) {
        uint64_t makespan_ps = 2000 - 100 * x + 10 * y + strtoull(job->mapping.data, NULL, 10);
        answer->outcome = job->current;
        if (makespan_ps >= job->current.makespan_ps)
            return;
        answer->outcome.makespan_ps = makespan_ps;
        answer->outcome.replayed_from = job->from.point;
        text_add(&answer->mapping, job->mapping.data);
        return;
    }
    if (job->request.point == fake->crash_point)
        raise(SIGKILL);
    if (job->request.point == fake->crash_once_point) {
        char *mark = file_join(fake->dir, "crashed");
        int fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd >= 0)
            raise(SIGKILL);
    }
    answer->outcome = (struct sweep_outcome){ .status = SWEEP_OK,
                                              .makespan_ps = searched_ps(job->request),
                                              .energy_pj = (double)job->budget_layers,
                                              .replayed_from = SWEEP_NO_POINT };
    text_printf(&answer->mapping, "%llu",
                (unsigned long long)(searched_ps(job->request) - (2000 - 100 * x + 10 * y)));
}

static size_t ask(void *ctx, const struct sweep_request **batch)
{
    struct fake *fake = (struct fake *)ctx;
    *batch = fake->requests;
    if (fake->batch >= fake->batches_max)
        return 0;
    if (fake->batch == 0) {
        fake->count = 40;
        for (size_t i = 0; i < 40; i++)
            fake->requests[i] = (struct sweep_request){ i * 37 % 100, 0 };
    }
    return fake->count;
}

/* The next batch: the better half on the next rung. */
static void tell(void *ctx, const struct sweep_outcome *outcomes)
{
    struct fake *fake = (struct fake *)ctx;
    uint64_t sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < fake->count; i++) {
        fake->told_hash = fake->told_hash * 1099511628211u + outcomes[i].makespan_ps;
        fake->told_hash = fake->told_hash * 1099511628211u + outcomes[i].replayed_from;
        sum += outcomes[i].makespan_ps;
    }
    for (size_t i = 0; i < fake->count; i++)
        if (outcomes[i].status == SWEEP_OK && outcomes[i].makespan_ps * fake->count <= sum)
            fake->requests[kept++] =
                (struct sweep_request){ fake->requests[i].point, fake->requests[i].rung + 1 };
    fake->count = kept;
    fake->batch++;
}

static uint64_t budget_layers(void *ctx, uint32_t rung)
{
    (void)ctx;
    return 1000u << rung;
}

static bool relaxes(void *ctx, uint64_t big, uint64_t small)
{
    (void)ctx;
    return big % SIDE == small % SIDE && big / SIDE >= small / SIDE;
}

static void values(void *ctx, uint64_t point, struct sweep_value *out)
{
    (void)ctx;
    out[0] = (struct sweep_value){ NULL, (double)(point / SIDE) };
    out[1] = (struct sweep_value){ "kind", 0 };
}

static bool stop(void *ctx)
{
    const struct fake *fake = (const struct fake *)ctx;
    return fake->stop_after && fake->result.progress.evaluated >= fake->stop_after;
}

static void progress(void *ctx, const struct sweep_progress *now)
{
    ((struct fake *)ctx)->result.progress = *now;
}

static const char *const parameters[] = { "x", "y" };

static struct sweep_study study_of(uint32_t shard, uint32_t shard_count)
{
    return (struct sweep_study){ .version = "1",
                                 .command = "c",
                                 .space_file = "s",
                                 .space_text = "{}",
                                 .space_sha256 = "h",
                                 .workload_file = "w",
                                 .parameter_count = 2,
                                 .parameters = parameters,
                                 .shard = shard,
                                 .shard_count = shard_count };
}

struct case_ {
    unsigned jobs;
    uint32_t shard, shard_count;
    bool asks_regardless, evaluates_nothing;
};

static void drive_it(struct fake *fake, struct sweep_store *store, struct case_ how)
{
    struct sweep_work work = { fake, run_job };
    struct sweep_spread spread = sweep_local_new(&work, how.jobs);
    struct sweep_drive drive = { .store = store,
                                 .spread = &spread,
                                 .shard = how.shard,
                                 .shard_count = how.shard_count,
                                 .asks_regardless = how.asks_regardless,
                                 .evaluates_nothing = how.evaluates_nothing,
                                 .ctx = fake,
                                 .ask = ask,
                                 .tell = tell,
                                 .budget_layers = budget_layers,
                                 .relaxes = relaxes,
                                 .values = values,
                                 .stop = stop,
                                 .progress = progress };
    struct err err = ERR_INIT;
    struct sweep_drive_result result;
    enum err_code rc = sweep_drive(&drive, &result, &err);
    sweep_spread_free(&spread);
    if (rc != ERR_OK)
        test_fail(__FILE__, __LINE__, "%s", err.text);
    fake->result = result;
}

static struct fake fake_of(const char *dir, size_t batches_max)
{
    return (struct fake){ .dir = dir,
                          .crash_point = SWEEP_NO_POINT,
                          .crash_once_point = SWEEP_NO_POINT,
                          .batches_max = batches_max };
}

static struct fake run_in(const char *dir, struct fake fake, struct case_ how)
{
    struct sweep_study study = study_of(how.shard, how.shard_count);
    struct sweep_store *store;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_resume(dir, &study, &store, &err));
    drive_it(&fake, store, how);
    CHECK_INT(ERR_OK, sweep_store_close(store, &err));
    return fake;
}

/* The settled outcomes as text, in the order of their requests. */
static void print_store(const char *dir, struct text *out)
{
    struct sweep_store *store;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_read(dir, &store, &err));
    for (uint64_t point = 0; point < SIDE * SIDE; point++)
        for (uint32_t rung = 0; rung < 4; rung++) {
            const struct sweep_record *r =
                sweep_store_find(store, (struct sweep_request){ point, rung });
            if (r)
                text_printf(out, "%llu/%u: %llu %llu %llu %d %s\n", (unsigned long long)point, rung,
                            (unsigned long long)r->batch, (unsigned long long)r->position,
                            (unsigned long long)r->settled.makespan_ps, r->settled.status,
                            r->reason);
        }
    CHECK_INT(ERR_OK, sweep_store_close(store, &err));
}

static void check_same(const char *dir, const char *other)
{
    struct text a = { 0 }, b = { 0 };
    print_store(dir, &a);
    print_store(other, &b);
    CHECK(a.bytes > 100);
    test_check_str(__FILE__, __LINE__, a.data, b.data);
    text_release(&a);
    text_release(&b);
}

TEST(sweep_drive__any_number_of_jobs__same_study)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir() };
    struct fake one = run_in(dirs[0], fake_of(dirs[0], 3), (struct case_){ .jobs = 1 });
    struct fake four = run_in(dirs[1], fake_of(dirs[1], 3), (struct case_){ .jobs = 4 });
    CHECK_INT(SWEEP_FINISHED, one.result.end);
    CHECK_INT(3, one.batch);
    CHECK(one.result.progress.evaluated > 45);
    CHECK(one.told_hash == four.told_hash);
    check_same(dirs[0], dirs[1]);
}

TEST(sweep_drive__after_a_batch__no_relaxed_point_is_worse)
{
    const char *dir = test_temp_dir();
    struct fake fake = run_in(dir, fake_of(dir, 3), (struct case_){ .jobs = 2 });
    CHECK(fake.result.progress.replays > 0);
    struct sweep_store *store;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_read(dir, &store, &err));
    size_t improved = 0;
    uint64_t best[SIDE * SIDE] = { 0 };
    for (size_t i = 0; i < sweep_store_count(store); i++) {
        const struct sweep_record *r = sweep_store_at(store, i);
        uint64_t *b = &best[r->request.point];
        *b = *b && *b < r->settled.makespan_ps ? *b : r->settled.makespan_ps;
        improved += r->settled.makespan_ps < r->found.makespan_ps;
        CHECK(r->settled.makespan_ps <= r->found.makespan_ps);
    }
    for (uint64_t big = 0; big < SIDE * SIDE; big++)
        for (uint64_t small = 0; small < SIDE * SIDE; small++)
            if (best[big] && best[small] && relaxes(NULL, big, small))
                CHECK(best[big] <= best[small]);
    CHECK(improved > 0);
    CHECK_INT(ERR_OK, sweep_store_close(store, &err));
}

TEST(sweep_drive__stopped_again_and_again__same_study)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir() };
    struct fake whole = run_in(dirs[0], fake_of(dirs[0], 3), (struct case_){ .jobs = 2 });
    struct fake part;
    uint64_t evaluated = 0;
    int runs = 0;
    do {
        struct fake fake = fake_of(dirs[1], 3);
        fake.stop_after = 7;
        part = run_in(dirs[1], fake, (struct case_){ .jobs = 2 });
        evaluated += part.result.progress.evaluated;
        CHECK(part.result.end != SWEEP_LACKING);
        CHECK(runs++ < 20);
    } while (part.result.end == SWEEP_STOPPED);
    CHECK(runs > 4);
    CHECK_INT(whole.result.progress.evaluated, evaluated);
    CHECK(whole.told_hash == part.told_hash);
    check_same(dirs[0], dirs[1]);
}

TEST(sweep_drive__a_point_that_crashes__is_failed_with_the_reason)
{
    const char *dir = test_temp_dir();
    struct fake fake = fake_of(dir, 1);
    fake.crash_point = 37;
    fake = run_in(dir, fake, (struct case_){ .jobs = 2 });
    CHECK_INT(2, fake.result.crashes);
    CHECK_INT(40, fake.result.progress.evaluated);
    struct sweep_store *store;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_read(dir, &store, &err));
    const struct sweep_record *r = sweep_store_find(store, (struct sweep_request){ 37, 0 });
    CHECK_INT(SWEEP_FAILED, r->settled.status);
    CHECK(strstr(r->reason, "killed by signal 9") != NULL);
    CHECK_INT(ERR_OK, sweep_store_close(store, &err));
}

TEST(sweep_drive__a_point_that_crashes_once__is_tried_again)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir() };
    run_in(dirs[0], fake_of(dirs[0], 2), (struct case_){ .jobs = 2 });
    struct fake fake = fake_of(dirs[1], 2);
    fake.crash_once_point = 74;
    fake = run_in(dirs[1], fake, (struct case_){ .jobs = 2 });
    CHECK_INT(1, fake.result.crashes);
    check_same(dirs[0], dirs[1]);
}

TEST(sweep_drive__shards_merged__same_study)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir() };
    struct err err = ERR_INIT;
    run_in(dirs[0], fake_of(dirs[0], 1), (struct case_){ .jobs = 2 });
    struct sweep_study study = study_of(0, 0);
    struct sweep_store *into, *shard;
    CHECK_INT(ERR_OK, sweep_store_new(dirs[1], &study, &into, &err));
    for (uint32_t i = 1; i <= 3; i++) {
        const char *dir = test_temp_dir();
        struct case_ how = { .jobs = 2, .shard = i, .shard_count = 3, .asks_regardless = true };
        struct fake part = run_in(dir, fake_of(dir, 1), how);
        CHECK_INT(SWEEP_FINISHED, part.result.end);
        CHECK_INT(i == 1 ? 14 : 13, part.result.progress.evaluated);
        CHECK_INT(ERR_OK, sweep_store_read(dir, &shard, &err));
        CHECK_INT(ERR_OK, sweep_store_merge(into, shard, &err));
        CHECK_INT(ERR_OK, sweep_store_close(shard, &err));
    }
    struct fake fake = fake_of(dirs[1], 1);
    drive_it(&fake, into, (struct case_){ .jobs = 1, .evaluates_nothing = true });
    CHECK_INT(SWEEP_FINISHED, fake.result.end);
    CHECK_INT(0, fake.result.progress.evaluated);
    CHECK_INT(ERR_OK, sweep_store_close(into, &err));
    check_same(dirs[0], dirs[1]);
}

TEST(sweep_drive__shard_of_a_strategy_that_listens__ends_with_the_first_batch)
{
    const char *dir = test_temp_dir();
    struct case_ how = { .jobs = 1, .shard = 2, .shard_count = 2 };
    struct fake part = run_in(dir, fake_of(dir, 3), how);
    CHECK_INT(SWEEP_LACKING, part.result.end);
    CHECK_INT(20, part.result.progress.evaluated);
    CHECK_INT(20, part.result.missing);
    CHECK_INT(0, part.batch);
}

TEST(sweep_spread__packed_and_unpacked__is_the_same)
{
    struct sweep_job job = { .kind = SWEEP_JOB_REPLAY, .request = { 7, 2 }, .from = { 5, 1 } };
    struct sweep_answer answer;
    struct text bytes = { 0 };
    text_add(&job.mapping, "mapping");
    sweep_job_pack(&job, &bytes);
    struct sweep_job job_back;
    CHECK(sweep_job_unpack(bytes.data, bytes.bytes, &job_back));
    CHECK(!sweep_job_unpack(bytes.data, bytes.bytes - 1, &job_back));
    CHECK_INT(5, job_back.from.point);
    test_check_str(__FILE__, __LINE__, "mapping", job_back.mapping.data);
    memset(&answer, 0, sizeof answer);
    answer.outcome.makespan_ps = 99;
    text_add(&answer.reason, "why");
    text_release(&bytes);
    sweep_answer_pack(&answer, &bytes);
    struct sweep_answer back;
    CHECK(sweep_answer_unpack(bytes.data, bytes.bytes, &back));
    CHECK_INT(99, back.outcome.makespan_ps);
    test_check_str(__FILE__, __LINE__, "why", back.reason.data);
    CHECK_INT(0, back.mapping.bytes);
    CHECK(!sweep_answer_unpack(bytes.data, 3, &back));
    text_release(&bytes);
    text_release(&job.mapping);
    text_release(&job_back.mapping);
    sweep_answer_release(&answer);
    sweep_answer_release(&back);
}
