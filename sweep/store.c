/* A study's life: made, gone on with, read, closed; what it is of. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/file.h"
#include "sweep/store_rows.h"

/* --- what a study is of ------------------------------------------------------------------------
 */

static enum err_code other(const char *dir, const char *what, const char *is, const char *expected,
                           struct err *err)
{
    char *file = file_join(dir, SWEEP_STORE_FILE);
    enum err_code rc =
        err_set(err, ERR_REFERENCE, "this study has another %s: expected %.200s, found %.200s",
                what, expected, is);
    err_in_file(err, file, 0, 0);
    free(file);
    return rc;
}

static enum err_code same_text(const char *dir, const char *what, const char *is,
                               const char *expected, struct err *err)
{
    return strcmp(is, expected) == 0 ? ERR_OK : other(dir, what, is, expected, err);
}

static enum err_code same_facts(const char *dir, const char *what, const struct sweep_fact *is,
                                size_t is_count, const struct sweep_fact *expected,
                                size_t expected_count, bool by_name, struct err *err)
{
    for (size_t i = 0; i < is_count || i < expected_count; i++) {
        if (i >= is_count || i >= expected_count ||
            (by_name && strcmp(is[i].name, expected[i].name) != 0))
            return other(dir, what, i < is_count ? is[i].name : "nothing",
                         i < expected_count ? expected[i].name : "nothing", err);
        if (strcmp(is[i].value, expected[i].value) == 0)
            continue;
        char named[128];
        snprintf(named, sizeof named, "%s (%.100s)", what, expected[i].name);
        return other(dir, named, is[i].value, expected[i].value, err);
    }
    return ERR_OK;
}

enum err_code sweep_study_same(const struct sweep_study *is, const struct sweep_study *expected,
                               const char *dir, struct err *err)
{
    enum err_code rc = same_text(dir, "space", is->space_sha256, expected->space_sha256, err);
    if (rc == ERR_OK)
        rc = same_facts(dir, "workload", is->inputs, is->input_count, expected->inputs,
                        expected->input_count, false, err);
    if (rc == ERR_OK)
        rc = same_facts(dir, "option", is->options, is->option_count, expected->options,
                        expected->option_count, true, err);
    if (rc == ERR_OK)
        rc = same_text(dir, "version of the program", is->version, expected->version, err);
    return rc;
}

static enum err_code same_shard(const struct sweep_study *is, const struct sweep_study *expected,
                                const char *dir, struct err *err)
{
    if (is->shard == expected->shard && is->shard_count == expected->shard_count)
        return ERR_OK;
    char texts[2][32];
    for (int i = 0; i < 2; i++) {
        const struct sweep_study *s = i ? expected : is;
        snprintf(texts[i], sizeof texts[i], s->shard_count ? "%u/%u" : "everything", s->shard,
                 s->shard_count);
    }
    return other(dir, "shard", texts[0], texts[1], err);
}

/* --- the study's rows --------------------------------------------------------------------------
 */

static enum err_code write_facts(const struct sweep_db *db, const char *sql,
                                 const struct sweep_fact *facts, size_t count, struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = sweep_db_prepare(db, sql, &stmt, err);
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)i);
        sweep_db_bind_text(stmt, 2, facts[i].name);
        sweep_db_bind_text(stmt, 3, facts[i].value);
        rc = sweep_db_step(db, stmt, err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static enum err_code write_parameters(const struct sweep_db *db, const struct sweep_study *study,
                                      struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = sweep_db_prepare(db, "INSERT INTO parameters VALUES (?, ?)", &stmt, err);
    for (size_t i = 0; rc == ERR_OK && i < study->parameter_count; i++) {
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)i);
        sweep_db_bind_text(stmt, 2, study->parameters[i]);
        rc = sweep_db_step(db, stmt, err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static enum err_code write_study(const struct sweep_db *db, const struct sweep_study *study,
                                 struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc =
        sweep_db_prepare(db, "INSERT INTO study VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, 0)", &stmt, err);
    if (rc != ERR_OK)
        return rc;
    sweep_db_bind_text(stmt, 1, study->version);
    sweep_db_bind_text(stmt, 2, study->command);
    sweep_db_bind_text(stmt, 3, study->space_file);
    sweep_db_bind_text(stmt, 4, study->space_sha256);
    sweep_db_bind_text(stmt, 5, study->space_text);
    sweep_db_bind_text(stmt, 6, study->workload_file);
    sqlite3_bind_int64(stmt, 7, study->shard);
    sqlite3_bind_int64(stmt, 8, study->shard_count);
    rc = sweep_db_step(db, stmt, err);
    sqlite3_finalize(stmt);
    if (rc == ERR_OK)
        rc = write_facts(db, "INSERT INTO inputs VALUES (?, ?, ?)", study->inputs,
                         study->input_count, err);
    if (rc == ERR_OK)
        rc = write_facts(db, "INSERT INTO options VALUES (?, ?, ?)", study->options,
                         study->option_count, err);
    if (rc == ERR_OK)
        rc = write_parameters(db, study, err);
    return rc;
}

/* One transaction: a file that is no study yet holds nothing at all. */
static enum err_code write_new(const struct sweep_db *db, const struct sweep_study *study,
                               struct err *err)
{
    char stamp[96];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             SWEEP_STORE_APPLICATION, SWEEP_STORE_VERSION);
    enum err_code rc = sweep_db_run(db, "BEGIN IMMEDIATE", err);
    if (rc == ERR_OK)
        rc = sweep_db_run(db, stamp, err);
    if (rc == ERR_OK)
        rc = sweep_db_run(db, sweep_db_schema, err);
    if (rc == ERR_OK)
        rc = write_study(db, study, err);
    if (rc == ERR_OK)
        rc = sweep_db_run(db, "COMMIT", err);
    return rc;
}

static enum err_code read_facts(struct sweep_store *store, const char *sql,
                                const struct sweep_fact **out, size_t *count, struct err *err)
{
    sqlite3_stmt *stmt;
    struct sweep_fact *facts = NULL;
    struct err failure = ERR_INIT;
    if (sweep_db_prepare(&store->db, sql, &stmt, err) != ERR_OK)
        return err->code;
    *count = 0;
    while (sweep_db_row(&store->db, stmt, &failure)) {
        facts = (struct sweep_fact *)mem_grow(facts, *count + 1, sizeof *facts);
        facts[(*count)++] =
            (struct sweep_fact){ arena_strdup(store->arena, sweep_db_text(stmt, 0)),
                                 arena_strdup(store->arena, sweep_db_text(stmt, 1)) };
    }
    struct sweep_fact *kept = ARENA_ARRAY(store->arena, struct sweep_fact, *count + 1);
    if (*count)
        memcpy(kept, facts, *count * sizeof *facts);
    free(facts);
    *out = kept;
    if (failure.code != ERR_OK && err)
        *err = failure;
    return failure.code;
}

static enum err_code read_parameters(struct sweep_store *store, struct err *err)
{
    const struct sweep_fact *facts;
    size_t count;
    if (read_facts(store, "SELECT name, '' FROM parameters ORDER BY parameter", &facts, &count,
                   err) != ERR_OK)
        return err->code;
    const char **names = ARENA_ARRAY(store->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = facts[i].name;
    store->study.parameters = names;
    store->study.parameter_count = count;
    return ERR_OK;
}

static enum err_code read_study(struct sweep_store *store, struct err *err)
{
    sqlite3_stmt *stmt;
    struct sweep_study *study = &store->study;
    enum err_code rc = sweep_db_prepare(
        &store->db,
        "SELECT version, command, space_file, space_sha256, space_text, workload_file,"
        " shard, shard_count, finished FROM study",
        &stmt, err);
    if (rc != ERR_OK)
        return rc;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        const char **texts[] = { &study->version,      &study->command,    &study->space_file,
                                 &study->space_sha256, &study->space_text, &study->workload_file };
        for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++)
            *texts[i] = arena_strdup(store->arena, sweep_db_text(stmt, i));
        study->shard = (uint32_t)sqlite3_column_int64(stmt, 6);
        study->shard_count = (uint32_t)sqlite3_column_int64(stmt, 7);
        store->finished = sqlite3_column_int64(stmt, 8) != 0;
    } else {
        rc = sweep_db_failed(&store->db, "read the study", err);
    }
    sqlite3_finalize(stmt);
    if (rc == ERR_OK)
        rc = read_facts(store, "SELECT file, sha256 FROM inputs ORDER BY number", &study->inputs,
                        &study->input_count, err);
    if (rc == ERR_OK)
        rc = read_facts(store, "SELECT name, value FROM options ORDER BY number", &study->options,
                        &study->option_count, err);
    if (rc == ERR_OK)
        rc = read_parameters(store, err);
    return rc;
}

static enum err_code check_stamp(const struct sweep_db *db, struct err *err)
{
    int64_t application = 0, version = 0;
    enum err_code rc = sweep_db_pragma(db, "application_id", &application, err);
    if (rc == ERR_OK)
        rc = sweep_db_pragma(db, "user_version", &version, err);
    if (rc == ERR_OK && application != SWEEP_STORE_APPLICATION)
        rc = err_set(err, ERR_VALUE, "expected a study of sweep, got another database");
    if (rc == ERR_OK && version != SWEEP_STORE_VERSION)
        rc = err_set(err, ERR_VALUE, "expected a study of format %d, got format %lld",
                     SWEEP_STORE_VERSION, (long long)version);
    err_in_file(err, db->file, 0, 0);
    return rc;
}

/* --- open and close ----------------------------------------------------------------------------
 */

/* A killed sweep's workers hold its lock for the moment that they outlive it. */
static bool try_lock(int fd)
{
    const struct timespec pause = { 0, 50000000 };
    for (int tries = 0; tries < 40; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return true; /* file systems without such locks leave it to the user */
        nanosleep(&pause, NULL);
    }
    return false;
}

/* SQLite's own locks would be lost if this process opened the file a second time: the folder is
 * locked instead. */
static enum err_code lock_dir(struct sweep_store *store, const char *dir, struct err *err)
{
    store->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock_fd < 0)
        return err_set(err, ERR_IO, "cannot open %s: %s", dir, strerror(errno));
    if (!try_lock(store->lock_fd))
        return err_set(err, ERR_IO, "another sweep is at work in %s", dir);
    return ERR_OK;
}

static struct sweep_store *store_alloc(const char *dir, bool writable)
{
    struct sweep_store *store = (struct sweep_store *)mem_alloc(1, sizeof *store);
    store->arena = arena_new();
    store->writable = writable;
    store->lock_fd = -1;
    char *file = file_join(dir, SWEEP_STORE_FILE), *reserve = file_join(dir, SWEEP_STORE_RESERVE);
    store->file = arena_strdup(store->arena, file);
    store->reserve = arena_strdup(store->arena, reserve);
    free(file);
    free(reserve);
    return store;
}

static void store_free(struct sweep_store *store)
{
    sweep_store_rows_release(store);
    if (store->db.handle)
        sqlite3_close(store->db.handle);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    arena_free(store->arena);
    free(store);
}

static enum err_code load(struct sweep_store *store, struct err *err)
{
    enum err_code rc = check_stamp(&store->db, err);
    if (rc == ERR_OK)
        rc = read_study(store, err);
    if (rc == ERR_OK)
        rc = sweep_store_rows_read(store, err);
    if (rc == ERR_OK && store->writable)
        rc = sweep_store_rows_prepare(store, err);
    return rc;
}

/* A file that was made, but not yet filled when the program ended, is as good as none. */
static enum err_code is_empty(struct sweep_store *store, bool *out, struct err *err)
{
    int64_t pages = 0;
    enum err_code rc = sweep_db_pragma(&store->db, "page_count", &pages, err);
    *out = pages == 0;
    return rc;
}

static enum err_code open_to_write(struct sweep_store *store, const char *dir,
                                   const struct sweep_study *study, bool resume, struct err *err)
{
    bool empty = false;
    enum err_code rc = lock_dir(store, dir, err);
    if (rc == ERR_OK)
        rc = sweep_db_open(&store->db, store->file, true, err);
    if (rc == ERR_OK)
        rc = is_empty(store, &empty, err);
    if (rc != ERR_OK)
        return rc;
    if (empty)
        rc = write_new(&store->db, study, err);
    else if (!resume)
        return err_set(err, ERR_USAGE,
                       "%s holds a study: --resume goes on with it, or give another --out", dir);
    if (rc == ERR_OK)
        rc = load(store, err);
    if (rc == ERR_OK && !empty)
        rc = sweep_study_same(&store->study, study, dir, err);
    if (rc == ERR_OK && !empty)
        rc = same_shard(&store->study, study, dir, err);
    if (rc == ERR_OK)
        rc = sweep_store_reserve(store, err);
    return rc;
}

static enum err_code open_or_free(struct sweep_store *store, enum err_code rc,
                                  struct sweep_store **out)
{
    if (rc == ERR_OK)
        *out = store;
    else
        store_free(store);
    return rc;
}

enum err_code sweep_store_new(const char *dir, const struct sweep_study *study,
                              struct sweep_store **out, struct err *err)
{
    struct sweep_store *store = store_alloc(dir, true);
    return open_or_free(store, open_to_write(store, dir, study, false, err), out);
}

enum err_code sweep_store_resume(const char *dir, const struct sweep_study *study,
                                 struct sweep_store **out, struct err *err)
{
    struct sweep_store *store = store_alloc(dir, true);
    return open_or_free(store, open_to_write(store, dir, study, true, err), out);
}

enum err_code sweep_store_read(const char *dir, struct sweep_store **out, struct err *err)
{
    struct sweep_store *store = store_alloc(dir, false);
    enum err_code rc = sweep_db_open(&store->db, store->file, false, err);
    if (rc == ERR_OK)
        rc = load(store, err);
    if (rc == ERR_OK)
        sweep_store_rows_settle_all(store);
    return open_or_free(store, rc, out);
}

enum err_code sweep_store_close(struct sweep_store *store, struct err *err)
{
    if (!store)
        return ERR_OK;
    enum err_code rc = sweep_store_commit(store, err);
    if (store->writable)
        sweep_store_free_reserve(store);
    sweep_store_rows_release(store);
    if (rc == ERR_OK)
        rc = sweep_db_close(&store->db, err);
    store_free(store);
    return rc;
}

bool sweep_store_is_in(const char *dir)
{
    char *file = file_join(dir, SWEEP_STORE_FILE);
    bool there = access(file, F_OK) == 0;
    free(file);
    return there;
}

const struct sweep_study *sweep_store_study(const struct sweep_store *store)
{
    return &store->study;
}

const char *sweep_store_option(const struct sweep_store *store, const char *name)
{
    for (size_t i = 0; i < store->study.option_count; i++)
        if (!strcmp(store->study.options[i].name, name))
            return store->study.options[i].value;
    return NULL;
}

bool sweep_store_finished(const struct sweep_store *store)
{
    return store->finished;
}

/* --- transactions ------------------------------------------------------------------------------
 */

enum err_code sweep_store_begin(struct sweep_store *store, struct err *err)
{
    assert(store->writable);
    return sweep_db_run(&store->db, "BEGIN IMMEDIATE", err);
}

enum err_code sweep_store_end(struct sweep_store *store, enum err_code rc, struct err *err)
{
    if (rc == ERR_OK)
        rc = sweep_db_run(&store->db, "COMMIT", err);
    if (rc != ERR_OK && !sqlite3_get_autocommit(store->db.handle))
        sweep_db_run(&store->db, "ROLLBACK", NULL);
    return rc;
}
