/* Outcomes, mappings, improvements: in the file and in memory. */
#include <stdlib.h>
#include <string.h>

#include "sweep/pack.h"
#include "sweep/store_rows.h"

static const char *const statement_table[STATEMENT_COUNT] = {
    [ADD_POINT] = "INSERT OR IGNORE INTO points VALUES (?, ?, ?)",
    [ADD_OUTCOME] = "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ADD_MAPPING] = "INSERT OR REPLACE INTO mappings VALUES (?, ?, ?)",
    [ADD_BATCH] = "INSERT INTO batches VALUES (?, ?)",
    [ADD_IMPROVEMENT] = "INSERT INTO improvements VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ADD_FRONT] = "INSERT INTO front VALUES (?, ?)",
};

enum err_code sweep_store_rows_prepare(struct sweep_store *store, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < STATEMENT_COUNT; i++)
        rc = sweep_db_prepare(&store->db, statement_table[i], &store->statements[i], err);
    return rc;
}

void sweep_store_rows_release(struct sweep_store *store)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sweep_store_pending_release(store);
    free(store->pending);
    free(store->records);
    free(store->slots);
    free(store->log);
    store->pending = NULL;
    store->records = NULL;
    store->slots = NULL;
    store->log = NULL;
    store->record_count = store->slot_count = store->log_count = 0;
}

/* --- in memory ---------------------------------------------------------------------------------
 */

static bool same_request(struct sweep_request a, struct sweep_request b)
{
    return a.point == b.point && a.rung == b.rung;
}

/* The slot of this request, or the empty one where it belongs. */
static uint32_t *slot_of(const struct sweep_store *store, struct sweep_request request)
{
    uint64_t hash = (request.point * 0x9e3779b97f4a7c15 + request.rung) * 0xff51afd7ed558ccd;
    size_t mask = store->slot_count - 1;
    size_t at = (size_t)(hash ^ hash >> 32) & mask;
    while (store->slots[at] && !same_request(store->records[store->slots[at] - 1].request, request))
        at = (at + 1) & mask;
    return &store->slots[at];
}

static void grow_slots(struct sweep_store *store)
{
    if (2 * (store->record_count + 1) < store->slot_count)
        return;
    free(store->slots);
    store->slot_count = store->slot_count ? 2 * store->slot_count : 1024;
    store->slots = (uint32_t *)mem_alloc(store->slot_count, sizeof *store->slots);
    for (size_t i = 0; i < store->record_count; i++)
        *slot_of(store, store->records[i].request) = (uint32_t)i + 1;
}

void sweep_store_rows_remember(struct sweep_store *store, const struct sweep_record *record)
{
    grow_slots(store);
    if (store->record_count == store->record_capacity) {
        store->record_capacity = 2 * store->record_capacity + 256;
        store->records = (struct sweep_record *)mem_grow(store->records, store->record_capacity,
                                                         sizeof *store->records);
    }
    struct sweep_record *kept = &store->records[store->record_count];
    *kept = *record;
    kept->reason =
        record->reason && *record->reason ? arena_strdup(store->arena, record->reason) : "";
    kept->settled = kept->found;
    *slot_of(store, record->request) = (uint32_t)++store->record_count;
}

static struct sweep_record *find(const struct sweep_store *store, struct sweep_request request)
{
    uint32_t number = store->slot_count ? *slot_of(store, request) : 0;
    return number ? &store->records[number - 1] : NULL;
}

const struct sweep_record *sweep_store_find(const struct sweep_store *store,
                                            struct sweep_request request)
{
    return find(store, request);
}

size_t sweep_store_count(const struct sweep_store *store)
{
    return store->record_count;
}

const struct sweep_record *sweep_store_at(const struct sweep_store *store, size_t i)
{
    return &store->records[i];
}

static void apply(struct sweep_store *store, const struct sweep_improvement *improvement)
{
    struct sweep_record *record = find(store, improvement->request);
    if (record)
        record->settled = improvement->outcome;
}

bool sweep_store_settled(struct sweep_store *store, uint64_t batch)
{
    if (batch >= store->batch_count)
        return false;
    for (; store->log_at < store->log_count && store->log[store->log_at].batch <= batch;
         store->log_at++)
        apply(store, &store->log[store->log_at].improvement);
    return true;
}

void sweep_store_rows_settle_all(struct sweep_store *store)
{
    if (store->batch_count)
        sweep_store_settled(store, store->batch_count - 1);
}

/* --- read --------------------------------------------------------------------------------------
 */

static enum sweep_status status_of(const char *name)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, sweep_status_names[i]))
            return (enum sweep_status)i;
    return SWEEP_FAILED;
}

/* From column `first` on: makespan, energy, area, power, bound, misses. */
static struct sweep_outcome read_figures(sqlite3_stmt *stmt, int first)
{
    return (struct sweep_outcome){
        .status = SWEEP_OK,
        .makespan_ps = (uint64_t)sqlite3_column_int64(stmt, first),
        .energy_pj = sqlite3_column_double(stmt, first + 1),
        .area_mm2 = sqlite3_column_double(stmt, first + 2),
        .power_w = sqlite3_column_double(stmt, first + 3),
        .lower_bound_ps = (uint64_t)sqlite3_column_int64(stmt, first + 4),
        .deadline_misses = (uint32_t)sqlite3_column_int64(stmt, first + 5),
        .replayed_from = SWEEP_NO_POINT,
    };
}

static struct sweep_request read_request(sqlite3_stmt *stmt, int first)
{
    return (struct sweep_request){ (uint64_t)sqlite3_column_int64(stmt, first),
                                   (uint32_t)sqlite3_column_int64(stmt, first + 1) };
}

static enum err_code read_outcomes(struct sweep_store *store, struct err *err)
{
    sqlite3_stmt *stmt;
    struct err failure = ERR_INIT;
    if (sweep_db_prepare(&store->db, "SELECT * FROM outcomes ORDER BY rowid", &stmt, err) != ERR_OK)
        return err ? err->code : ERR_IO;
    while (sweep_db_row(&store->db, stmt, &failure)) {
        struct sweep_record record = {
            .request = read_request(stmt, 0),
            .batch = (uint64_t)sqlite3_column_int64(stmt, 2),
            .position = (uint64_t)sqlite3_column_int64(stmt, 3),
            .found = read_figures(stmt, 6),
            .reason = sweep_db_text(stmt, 5),
            .wall_s = sqlite3_column_double(stmt, 12),
        };
        record.found.status = (uint8_t)status_of(sweep_db_text(stmt, 4));
        sweep_store_rows_remember(store, &record);
    }
    if (failure.code != ERR_OK && err)
        *err = failure;
    return failure.code;
}

static enum err_code read_improvements(struct sweep_store *store, struct err *err)
{
    sqlite3_stmt *stmt;
    struct err failure = ERR_INIT;
    size_t capacity = 0;
    if (sweep_db_prepare(&store->db, "SELECT * FROM improvements ORDER BY number", &stmt, err) !=
        ERR_OK)
        return err ? err->code : ERR_IO;
    while (sweep_db_row(&store->db, stmt, &failure)) {
        struct sweep_logged logged = { .batch = (uint64_t)sqlite3_column_int64(stmt, 1),
                                       .improvement = { .request = read_request(stmt, 2),
                                                        .from = read_request(stmt, 4),
                                                        .outcome = read_figures(stmt, 6) } };
        logged.improvement.outcome.replayed_from = logged.improvement.from.point;
        if (store->log_count == capacity) {
            capacity = 2 * capacity + 64;
            store->log = (struct sweep_logged *)mem_grow(store->log, capacity, sizeof *store->log);
        }
        store->log[store->log_count++] = logged;
    }
    if (failure.code != ERR_OK && err)
        *err = failure;
    return failure.code;
}

enum err_code sweep_store_rows_read(struct sweep_store *store, struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = read_outcomes(store, err);
    if (rc == ERR_OK)
        rc = read_improvements(store, err);
    if (rc == ERR_OK)
        rc = sweep_db_prepare(&store->db, "SELECT count(*) FROM batches", &stmt, err);
    if (rc == ERR_OK) {
        if (sqlite3_step(stmt) == SQLITE_ROW)
            store->batch_count = (uint64_t)sqlite3_column_int64(stmt, 0);
        else
            rc = sweep_db_failed(&store->db, "read it", err);
        sqlite3_finalize(stmt);
    }
    return rc;
}

/* The bytes of the one column of the row, if there is one. */
static enum err_code read_bytes(struct sweep_store *store, const char *sql,
                                struct sweep_request request, struct text *out, struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = sweep_db_prepare(&store->db, sql, &stmt, err);
    if (rc != ERR_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)request.point);
    sqlite3_bind_int64(stmt, 2, request.rung);
    struct err failure = ERR_INIT;
    if (sweep_db_row(&store->db, stmt, &failure)) {
        const void *bytes = sqlite3_column_blob(stmt, 0);
        text_add_bytes(out, (const char *)bytes, (size_t)sqlite3_column_bytes(stmt, 0));
        sqlite3_finalize(stmt);
    }
    if (failure.code != ERR_OK && err)
        *err = failure;
    return failure.code;
}

enum err_code sweep_store_mapping_as_kept(struct sweep_store *store, struct sweep_request request,
                                          struct text *out, struct err *err)
{
    enum err_code rc = sweep_store_commit(store, err);
    if (rc == ERR_OK)
        rc = read_bytes(store, "SELECT mapping FROM mappings WHERE point = ? AND rung = ?", request,
                        out, err);
    return rc;
}

enum err_code sweep_store_mapping(struct sweep_store *store, struct sweep_request request,
                                  struct text *out, struct err *err)
{
    struct text mapping = { 0 };
    enum err_code rc = sweep_store_mapping_as_kept(store, request, &mapping, err);
    if (rc == ERR_OK)
        rc = sweep_text_unpack(&mapping, err);
    if (rc == ERR_OK)
        text_add_bytes(out, mapping.data, mapping.bytes);
    text_release(&mapping);
    return rc;
}

enum err_code sweep_store_values(struct sweep_store *store, uint64_t point, char **values,
                                 struct err *err)
{
    enum err_code rc = ERR_OK;
    for (uint32_t i = 0; i < store->study.parameter_count; i++) {
        struct text text = { 0 };
        if (rc == ERR_OK)
            rc = read_bytes(store, "SELECT value FROM points WHERE point = ? AND parameter = ?",
                            (struct sweep_request){ point, i }, &text, err);
        values[i] = text.data ? text.data : strdup("");
    }
    return rc;
}

/* --- write -------------------------------------------------------------------------------------
 */

static void bind_request(sqlite3_stmt *stmt, int first, struct sweep_request request)
{
    sqlite3_bind_int64(stmt, first, (sqlite3_int64)request.point);
    sqlite3_bind_int64(stmt, first + 1, request.rung);
}

/* What is not OK has no figures but those of its SoC. */
static void bind_figures(sqlite3_stmt *stmt, int first, const struct sweep_outcome *outcome)
{
    sqlite3_bind_double(stmt, first + 2, outcome->area_mm2);
    sqlite3_bind_double(stmt, first + 3, outcome->power_w);
    if (outcome->status != SWEEP_OK)
        return;
    sqlite3_bind_int64(stmt, first, (sqlite3_int64)outcome->makespan_ps);
    sqlite3_bind_double(stmt, first + 1, outcome->energy_pj);
    sqlite3_bind_int64(stmt, first + 4, (sqlite3_int64)outcome->lower_bound_ps);
    sqlite3_bind_int64(stmt, first + 5, outcome->deadline_misses);
}

static enum err_code add_values(struct sweep_store *store, uint64_t point,
                                const struct sweep_value *values, struct err *err)
{
    enum err_code rc = ERR_OK;
    sqlite3_stmt *stmt = store->statements[ADD_POINT];
    for (size_t i = 0; rc == ERR_OK && i < store->study.parameter_count; i++) {
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)point);
        sqlite3_bind_int64(stmt, 2, (sqlite3_int64)i);
        if (values[i].text)
            sweep_db_bind_text(stmt, 3, values[i].text);
        else if (values[i].number == (double)(int64_t)values[i].number)
            sqlite3_bind_int64(stmt, 3, (sqlite3_int64)values[i].number);
        else
            sqlite3_bind_double(stmt, 3, values[i].number);
        rc = sweep_db_step(&store->db, stmt, err);
    }
    return rc;
}

static enum err_code add_mapping(struct sweep_store *store, struct sweep_request request,
                                 const struct text *mapping, struct err *err)
{
    sqlite3_stmt *stmt = store->statements[ADD_MAPPING];
    if (!mapping || !mapping->bytes)
        return ERR_OK;
    bind_request(stmt, 1, request);
    if (sweep_text_is_packed(mapping))
        sqlite3_bind_blob64(stmt, 3, mapping->data, mapping->bytes, SQLITE_STATIC);
    else
        sqlite3_bind_text64(stmt, 3, mapping->data, mapping->bytes, SQLITE_STATIC, SQLITE_UTF8);
    return sweep_db_step(&store->db, stmt, err);
}

static enum err_code add_outcome(struct sweep_store *store, const struct sweep_record *record,
                                 struct err *err)
{
    sqlite3_stmt *stmt = store->statements[ADD_OUTCOME];
    bind_request(stmt, 1, record->request);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)record->batch);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)record->position);
    sweep_db_bind_text(stmt, 5, sweep_status_names[record->found.status]);
    if (record->reason && *record->reason)
        sweep_db_bind_text(stmt, 6, record->reason);
    bind_figures(stmt, 7, &record->found);
    sqlite3_bind_double(stmt, 13, record->wall_s);
    return sweep_db_step(&store->db, stmt, err);
}

enum err_code sweep_store_rows_write(struct sweep_store *store, const struct sweep_record *record,
                                     const struct text *mapping, const struct sweep_value *values,
                                     struct err *err)
{
    enum err_code rc = add_values(store, record->request.point, values, err);
    if (rc == ERR_OK)
        rc = add_outcome(store, record, err);
    if (rc == ERR_OK)
        rc = add_mapping(store, record->request, mapping, err);
    return rc;
}

static enum err_code add_improvement(struct sweep_store *store, uint64_t batch,
                                     const struct sweep_improvement *improvement, struct err *err)
{
    sqlite3_stmt *stmt = store->statements[ADD_IMPROVEMENT];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)batch);
    bind_request(stmt, 2, improvement->request);
    bind_request(stmt, 4, improvement->from);
    bind_figures(stmt, 6, &improvement->outcome);
    enum err_code rc = sweep_db_step(&store->db, stmt, err);
    if (rc == ERR_OK)
        rc = add_mapping(store, improvement->request, improvement->mapping, err);
    return rc;
}

static enum err_code write_batch(struct sweep_store *store, uint64_t batch,
                                 const struct sweep_improvement *improvements, size_t count,
                                 struct err *err)
{
    sqlite3_stmt *stmt = store->statements[ADD_BATCH];
    enum err_code rc = sweep_store_begin(store, err);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)batch);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)count);
    if (rc == ERR_OK)
        rc = sweep_db_step(&store->db, stmt, err);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = add_improvement(store, batch, &improvements[i], err);
    return sweep_store_end(store, rc, err);
}

/* Outcomes first, on their own: they stay whatever becomes of the improvements, which a resumed
 * study finds again. */
enum err_code sweep_store_settle(struct sweep_store *store, uint64_t batch,
                                 const struct sweep_improvement *improvements, size_t count,
                                 struct err *err)
{
    struct err failure = ERR_INIT;
    assert(batch == store->batch_count);
    if (sweep_store_commit(store, err) != ERR_OK)
        return err ? err->code : ERR_IO;
    if (write_batch(store, batch, improvements, count, &failure) != ERR_OK)
        return sweep_store_all_kept(store, &failure, err);
    store->batch_count++;
    for (size_t i = 0; i < count; i++)
        apply(store, &improvements[i]);
    return ERR_OK;
}

/* For people who read the file with sqlite3. */
static enum err_code as_text(struct sweep_store *store, struct sweep_request request,
                             struct err *err)
{
    struct text mapping = { 0 };
    enum err_code rc = sweep_store_mapping(store, request, &mapping, err);
    if (rc == ERR_OK)
        rc = add_mapping(store, request, &mapping, err);
    text_release(&mapping);
    return rc;
}

static enum err_code write_front(struct sweep_store *store, const struct sweep_request *front,
                                 size_t count, struct err *err)
{
    sqlite3_stmt *stmt = store->statements[ADD_FRONT];
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        bind_request(stmt, 1, front[i]);
        rc = sweep_db_step(&store->db, stmt, err);
        if (rc == ERR_OK)
            rc = as_text(store, front[i], err);
    }
    if (rc == ERR_OK && !store->study.shard_count)
        rc = sweep_db_run(&store->db,
                          "DELETE FROM mappings WHERE (point, rung) NOT IN"
                          " (SELECT point, rung FROM front)",
                          err);
    if (rc == ERR_OK)
        rc = sweep_db_run(&store->db, "UPDATE study SET finished = 1", err);
    return rc;
}

enum err_code sweep_store_finish(struct sweep_store *store, const struct sweep_request *front,
                                 size_t count, struct err *err)
{
    if (store->finished)
        return ERR_OK;
    enum err_code rc = sweep_store_commit(store, err);
    if (rc == ERR_OK)
        rc = sweep_store_begin(store, err);
    if (rc != ERR_OK)
        return rc;
    rc = sweep_store_end(store, write_front(store, front, count, err), err);
    store->finished = rc == ERR_OK;
    sweep_store_free_reserve(store); /* results are still to be written */
    if (rc == ERR_OK) /* the file gives back what the mappings took; no harm if it can't */
        sweep_db_run(&store->db, "VACUUM", NULL);
    return rc;
}
