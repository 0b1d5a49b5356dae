#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "sweep/pack.h"
#include "sweep/store_rows.h"
#include "tests/test.h"

static const struct sweep_fact inputs[] = { { "w.json", "aa" }, { "g.json", "bb" } };
static const struct sweep_fact options[] = { { "strategy", "random" }, { "seed", "7" } };
static const char *const parameters[] = { "pes", "topology", "clock_hz" };

static struct sweep_study study_of(const char *space)
{
    return (struct sweep_study){ .version = "1.0",
                                 .command = "socweave sweep",
                                 .space_file = "s.json",
                                 .space_text = space,
                                 .space_sha256 = space,
                                 .workload_file = "w.json",
                                 .input_count = 2,
                                 .inputs = inputs,
                                 .option_count = 2,
                                 .options = options,
                                 .parameter_count = 3,
                                 .parameters = parameters };
}

static struct sweep_record record_of(uint64_t point, uint32_t rung, uint64_t makespan_ps)
{
    return (struct sweep_record){ .request = { point, rung },
                                  .batch = 0,
                                  .position = point,
                                  .found = { .status = SWEEP_OK,
                                             .makespan_ps = makespan_ps,
                                             .energy_pj = 1.5,
                                             .area_mm2 = 2.5,
                                             .power_w = 3.5,
                                             .lower_bound_ps = 9,
                                             .deadline_misses = 1,
                                             .replayed_from = SWEEP_NO_POINT },
                                  .wall_s = 0.25 };
}

static void add(struct sweep_store *store, const struct sweep_record *record, const char *mapping)
{
    const struct sweep_value values[] = { { NULL, 4096 }, { "mesh", 0 }, { NULL, 2.5e8 } };
    struct err err = ERR_INIT;
    struct text text = { 0 };
    if (mapping)
        text_add(&text, mapping);
    CHECK_INT(ERR_OK, sweep_store_add(store, record, &text, values, &err));
    text_release(&text);
}

static struct sweep_store *new_store(const char *dir)
{
    struct sweep_study study = study_of("{}");
    struct sweep_store *store;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_new(dir, &study, &store, &err));
    return store;
}

static struct sweep_store *read_store(const char *dir)
{
    struct sweep_store *store = NULL;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_read(dir, &store, &err));
    return store;
}

static void close_store(struct sweep_store *store)
{
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_close(store, &err));
}

TEST(sweep_store__closed_and_read__holds_what_was_added)
{
    const char *dir = test_temp_dir();
    struct sweep_store *store = new_store(dir);
    struct sweep_record good = record_of(5, 0, 100), bad = record_of(6, 1, 0);
    bad.found.status = SWEEP_INFEASIBLE;
    bad.reason = "area_mm2 <= 50";
    add(store, &good, "{ \"socweave\": \"mapping/1\" }");
    add(store, &bad, NULL);
    close_store(store);

    store = read_store(dir);
    CHECK_INT(2, sweep_store_count(store));
    const struct sweep_record *kept = sweep_store_find(store, good.request);
    CHECK(kept != NULL);
    CHECK_INT(SWEEP_OK, kept->found.status);
    CHECK_INT(100, kept->found.makespan_ps);
    CHECK(kept->found.energy_pj == 1.5 && kept->found.area_mm2 == 2.5);
    CHECK(kept->found.power_w == 3.5 && kept->wall_s == 0.25);
    CHECK_INT(9, kept->found.lower_bound_ps);
    CHECK_INT(1, kept->found.deadline_misses);
    CHECK(kept->found.replayed_from == SWEEP_NO_POINT);
    CHECK_INT(5, kept->position);
    kept = sweep_store_find(store, bad.request);
    CHECK_INT(SWEEP_INFEASIBLE, kept->found.status);
    test_check_str(__FILE__, __LINE__, "area_mm2 <= 50", kept->reason);
    CHECK(sweep_store_find(store, (struct sweep_request){ 5, 1 }) == NULL);

    struct text mapping = { 0 };
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, sweep_store_mapping(store, good.request, &mapping, &err));
    test_check_str(__FILE__, __LINE__, "{ \"socweave\": \"mapping/1\" }", mapping.data);
    text_release(&mapping);
    char *values[3];
    CHECK_INT(ERR_OK, sweep_store_values(store, 5, values, &err));
    test_check_str(__FILE__, __LINE__, "4096", values[0]);
    test_check_str(__FILE__, __LINE__, "mesh", values[1]);
    test_check_str(__FILE__, __LINE__, "250000000", values[2]);
    for (int i = 0; i < 3; i++)
        free(values[i]);
    test_check_str(__FILE__, __LINE__, "7", sweep_store_option(store, "seed"));
    close_store(store);
}

TEST(sweep_store__many_records__all_are_found)
{
    const char *dir = test_temp_dir();
    struct sweep_store *store = new_store(dir);
    for (uint64_t i = 0; i < 3000; i++) {
        struct sweep_record record = record_of(i * 7919 % 3000, (uint32_t)(i % 3), i + 1);
        add(store, &record, NULL);
    }
    close_store(store);
    store = read_store(dir);
    CHECK_INT(3000, sweep_store_count(store));
    for (uint64_t i = 0; i < 3000; i++) {
        const struct sweep_record *kept =
            sweep_store_find(store, (struct sweep_request){ i * 7919 % 3000, (uint32_t)(i % 3) });
        CHECK(kept != NULL);
        CHECK_INT(i + 1, kept->found.makespan_ps);
    }
    close_store(store);
}

/* What is told in a batch: the outcome with the improvements of batches so far, live or again. */
TEST(sweep_store__improvements_over_batches__are_applied_batch_by_batch)
{
    const char *dir = test_temp_dir();
    struct err err = ERR_INIT;
    struct sweep_study study = study_of("{}");
    struct sweep_store *store = new_store(dir);
    struct sweep_record a = record_of(1, 0, 100), b = record_of(2, 0, 120);
    add(store, &a, "A");
    add(store, &b, "B");
    struct text a_on_b = { 0 };
    text_add(&a_on_b, "A on B");
    struct sweep_improvement better = {
        .request = b.request, .from = a.request, .outcome = b.found, .mapping = &a_on_b
    };
    better.outcome.makespan_ps = 90;
    better.outcome.replayed_from = 1;
    CHECK_INT(ERR_OK, sweep_store_settle(store, 0, &better, 1, &err));
    better.outcome.makespan_ps = 80;
    CHECK_INT(ERR_OK, sweep_store_settle(store, 1, &better, 1, &err));
    CHECK_INT(80, sweep_store_find(store, b.request)->settled.makespan_ps);
    text_release(&a_on_b);
    close_store(store);

    CHECK_INT(ERR_OK, sweep_store_resume(dir, &study, &store, &err));
    CHECK_INT(120, sweep_store_find(store, b.request)->settled.makespan_ps);
    CHECK(sweep_store_settled(store, 0));
    CHECK_INT(90, sweep_store_find(store, b.request)->settled.makespan_ps);
    CHECK_INT(1, sweep_store_find(store, b.request)->settled.replayed_from);
    CHECK(sweep_store_settled(store, 1));
    CHECK_INT(80, sweep_store_find(store, b.request)->settled.makespan_ps);
    CHECK_INT(120, sweep_store_find(store, b.request)->found.makespan_ps);
    CHECK(!sweep_store_settled(store, 2));
    struct text mapping = { 0 };
    CHECK_INT(ERR_OK, sweep_store_mapping(store, b.request, &mapping, &err));
    test_check_str(__FILE__, __LINE__, "A on B", mapping.data);
    text_release(&mapping);
    close_store(store);
}

TEST(sweep_store__finished__keeps_the_mappings_of_the_front)
{
    const char *dir = test_temp_dir();
    struct err err = ERR_INIT;
    struct sweep_store *store = new_store(dir);
    struct sweep_record a = record_of(1, 0, 100), b = record_of(2, 0, 120);
    add(store, &a, "A");
    add(store, &b, "B");
    CHECK_INT(ERR_OK, sweep_store_settle(store, 0, NULL, 0, &err));
    CHECK_INT(ERR_OK, sweep_store_finish(store, &b.request, 1, &err));
    close_store(store);
    store = read_store(dir);
    CHECK(sweep_store_finished(store));
    struct text of_a = { 0 }, of_b = { 0 };
    CHECK_INT(ERR_OK, sweep_store_mapping(store, a.request, &of_a, &err));
    CHECK_INT(ERR_OK, sweep_store_mapping(store, b.request, &of_b, &err));
    CHECK_INT(0, of_a.bytes);
    test_check_str(__FILE__, __LINE__, "B", of_b.data);
    text_release(&of_a);
    text_release(&of_b);
    close_store(store);
}

/* Killed without any warning between two commits: what was committed is there, the rest is not. */
TEST(sweep_store__killed__holds_what_was_committed)
{
    const char *dir = test_temp_dir();
    close_store(new_store(dir));
    pid_t pid = fork();
    if (pid == 0) {
        struct sweep_study study = study_of("{}");
        struct sweep_store *store;
        struct sweep_record a = record_of(1, 0, 100), b = record_of(2, 0, 120);
        const struct sweep_value values[3] = { { "x", 0 }, { "y", 0 }, { "z", 0 } };
        if (sweep_store_resume(dir, &study, &store, NULL) != ERR_OK ||
            sweep_store_add(store, &a, NULL, values, NULL) != ERR_OK ||
            sweep_store_commit(store, NULL) != ERR_OK ||
            sweep_store_add(store, &b, NULL, values, NULL) != ERR_OK)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    struct sweep_store *store = read_store(dir);
    CHECK_INT(1, sweep_store_count(store));
    CHECK(sweep_store_find(store, (struct sweep_request){ 1, 0 }) != NULL);
    close_store(store);
}

/* A file that may not grow stands for a disk that is full, but for the room that the reserve has.
 */
TEST(sweep_store__no_room_to_write__what_was_committed_stays)
{
    const char *dir = test_temp_dir();
    struct sweep_store *store = new_store(dir);
    struct err err = ERR_INIT;
    uint64_t point = 0;
    CHECK(access(store->reserve, F_OK) == 0);
    CHECK_INT(ERR_OK, sweep_db_run(&store->db, "PRAGMA max_page_count = 40", &err));
    for (size_t committed = 0; point < 2000; committed = sweep_store_count(store)) {
        for (int i = 0; i < 10; i++) {
            struct sweep_record record = record_of(point++, 0, 100);
            add(store, &record, "a mapping that fills pages");
        }
        if (sweep_store_commit(store, &err) == ERR_OK)
            continue;
        CHECK_INT(5, err_exit_status(err.code));
        CHECK(strstr(err.text, "full") && !strstr(err.text, "kept"));
        CHECK(access(store->reserve, F_OK) != 0);
        sweep_store_close(store, NULL);
        store = read_store(dir);
        CHECK_INT(committed, sweep_store_count(store));
        CHECK(committed > 0);
        break;
    }
    CHECK(point < 2000);
    close_store(store);
}

TEST(sweep_pack__any_text__comes_back)
{
    struct text text = { 0 }, plain = { 0 };
    struct err err = ERR_INIT;
    sweep_text_pack(&text);
    CHECK_INT(0, text.bytes);
    for (int i = 0; i < 20000; i++)
        text_printf(&plain, "{ \"layer\": \"conv%d\", \"start_ps\": %d }\n", i, i * 7919);
    text_add_bytes(&text, plain.data, plain.bytes);
    sweep_text_pack(&text);
    CHECK(sweep_text_is_packed(&text) && text.bytes < plain.bytes / 4);
    size_t packed_bytes = text.bytes;
    sweep_text_pack(&text); /* packed is packed */
    CHECK_INT(packed_bytes, text.bytes);
    CHECK_INT(ERR_OK, sweep_text_unpack(&text, &err));
    CHECK(text.bytes == plain.bytes && memcmp(text.data, plain.data, plain.bytes) == 0);
    CHECK_INT(ERR_OK, sweep_text_unpack(&text, &err)); /* text is text */
    sweep_text_pack(&text);
    text.bytes /= 2;
    CHECK_INT(ERR_SYNTAX, sweep_text_unpack(&text, &err));
    text_release(&text);
    text_release(&plain);
}

TEST(sweep_store__packed_mapping__is_read_as_text)
{
    const char *dir = test_temp_dir();
    struct err err = ERR_INIT;
    const struct sweep_value values[] = { { NULL, 4096 }, { "mesh", 0 }, { NULL, 2.5e8 } };
    struct sweep_store *store = new_store(dir);
    struct sweep_record a = record_of(1, 0, 100);
    struct text mapping = { 0 }, kept = { 0 }, text = { 0 };
    text_add(&mapping, "{ \"socweave\": \"mapping/1\" }");
    sweep_text_pack(&mapping);
    CHECK_INT(ERR_OK, sweep_store_add(store, &a, &mapping, values, &err));
    CHECK_INT(ERR_OK, sweep_store_mapping_as_kept(store, a.request, &kept, &err));
    CHECK(kept.bytes == mapping.bytes && memcmp(kept.data, mapping.data, kept.bytes) == 0);
    CHECK_INT(ERR_OK, sweep_store_mapping(store, a.request, &text, &err));
    test_check_str(__FILE__, __LINE__, "{ \"socweave\": \"mapping/1\" }", text.data);
    CHECK_INT(ERR_OK, sweep_store_finish(store, &a.request, 1, &err));
    kept.bytes = 0;
    CHECK_INT(ERR_OK, sweep_store_mapping_as_kept(store, a.request, &kept, &err));
    test_check_str(__FILE__, __LINE__, text.data, kept.data);
    text_release(&mapping);
    text_release(&kept);
    text_release(&text);
    close_store(store);
}

/* --- refusals ----------------------------------------------------------------------------------
 */

static void check_refused(const char *dir, const struct sweep_study *study, const char *words)
{
    struct sweep_store *store = NULL;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_REFERENCE, sweep_store_resume(dir, study, &store, &err));
    CHECK_INT(3, err_exit_status(err.code));
    if (!strstr(err.text, words))
        test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", words, err.text);
    CHECK(strstr(err.file, SWEEP_STORE_FILE) != NULL);
}

TEST(sweep_store__resumed_as_another_study__is_refused)
{
    const char *dir = test_temp_dir();
    close_store(new_store(dir));
    struct sweep_study other = study_of("{ }");
    check_refused(dir, &other, "another space: expected { }, found {}");
    other = study_of("{}");
    other.version = "1.1";
    check_refused(dir, &other, "another version of the program: expected 1.1, found 1.0");
    const struct sweep_fact seed_8[] = { options[0], { "seed", "8" } };
    other = study_of("{}");
    other.options = seed_8;
    check_refused(dir, &other, "another option (seed): expected 8, found 7");
    other.option_count = 1;
    other.options = options;
    check_refused(dir, &other, "expected nothing, found seed");
    const struct sweep_fact other_graph[] = { { "moved.json", "aa" }, { "g.json", "cc" } };
    other = study_of("{}");
    other.inputs = other_graph;
    check_refused(dir, &other, "another workload (g.json): expected cc, found bb");
    other = study_of("{}");
    other.shard = 2;
    other.shard_count = 3;
    check_refused(dir, &other, "another shard: expected 2/3, found everything");
}

TEST(sweep_store__new_where_a_study_is__is_refused)
{
    const char *dir = test_temp_dir();
    close_store(new_store(dir));
    struct sweep_study study = study_of("{}");
    struct sweep_store *store = NULL;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_USAGE, sweep_store_new(dir, &study, &store, &err));
    CHECK(strstr(err.text, "--resume") != NULL);
}

TEST(sweep_store__opened_twice__second_is_told_of_the_first)
{
    const char *dir = test_temp_dir();
    struct sweep_store *store = new_store(dir), *second = NULL;
    struct sweep_study study = study_of("{}");
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, sweep_store_resume(dir, &study, &second, &err));
    CHECK(strstr(err.text, "another sweep is at work") != NULL);
    close_store(store);
}

static void check_no_study(const char *content, size_t bytes, const char *words)
{
    const char *dir = test_temp_dir();
    char *file = file_join(dir, SWEEP_STORE_FILE);
    struct sweep_store *store = NULL;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, file_write(file, content, bytes, &err));
    free(file);
    sweep_store_read(dir, &store, &err);
    CHECK_INT(3, err_exit_status(err.code));
    if (!strstr(err.text, words))
        test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", words, err.text);
}

TEST(sweep_store__a_file_that_is_no_study__is_said)
{
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    check_no_study(junk, sizeof junk, "file is not a database");
    check_no_study("", 0, "another database");
}

/* --- shards ------------------------------------------------------------------------------------
 */

static struct sweep_store *new_shard(const char *dir, uint32_t shard)
{
    struct sweep_study study = study_of("{}");
    struct sweep_store *store;
    struct err err = ERR_INIT;
    study.shard = shard;
    study.shard_count = 2;
    CHECK_INT(ERR_OK, sweep_store_new(dir, &study, &store, &err));
    return store;
}

TEST(sweep_store__shards_merged__hold_both)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir(), test_temp_dir() };
    struct err err = ERR_INIT;
    struct sweep_record records[] = { record_of(1, 0, 100), record_of(2, 0, 120),
                                      record_of(3, 0, 130) };
    struct sweep_store *into = new_store(dirs[2]);
    for (uint32_t i = 0; i < 2; i++) {
        struct sweep_store *shard = new_shard(dirs[i], i + 1);
        add(shard, &records[i], "M");
        add(shard, &records[2], "N"); /* in both, and equal: fine */
        close_store(shard);
        shard = read_store(dirs[i]);
        CHECK_INT(ERR_OK, sweep_store_merge(into, shard, &err));
        close_store(shard);
    }
    CHECK_INT(3, sweep_store_count(into));
    close_store(into);
    into = read_store(dirs[2]);
    CHECK_INT(3, sweep_store_count(into));
    CHECK_INT(120, sweep_store_find(into, records[1].request)->found.makespan_ps);
    struct text mapping = { 0 };
    CHECK_INT(ERR_OK, sweep_store_mapping(into, records[1].request, &mapping, &err));
    test_check_str(__FILE__, __LINE__, "M", mapping.data);
    text_release(&mapping);
    close_store(into);
}

TEST(sweep_store__shards_that_disagree__are_refused)
{
    const char *dirs[] = { test_temp_dir(), test_temp_dir() };
    struct err err = ERR_INIT;
    struct sweep_record one = record_of(1, 0, 100), other = record_of(1, 0, 101);
    struct sweep_store *into = new_store(dirs[0]), *shard = new_shard(dirs[1], 1);
    add(into, &one, NULL);
    add(shard, &other, NULL);
    close_store(shard);
    shard = read_store(dirs[1]);
    CHECK_INT(ERR_REFERENCE, sweep_store_merge(into, shard, &err));
    CHECK(strstr(err.text, "point 1") != NULL);
    close_store(shard);
    close_store(into);
}
