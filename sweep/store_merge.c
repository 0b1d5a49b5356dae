/* Shards put together. */
#include "sweep/store_rows.h"

/* wall_s alone may differ: an outcome is a function of its request. */
static bool agree(const struct sweep_record *a, const struct sweep_record *b)
{
    const struct sweep_outcome *x = &a->found, *y = &b->found;
    return a->batch == b->batch && a->position == b->position && x->status == y->status &&
           (x->status != SWEEP_OK ||
            (x->makespan_ps == y->makespan_ps && x->energy_pj == y->energy_pj));
}

static enum err_code check(const struct sweep_store *into, const struct sweep_store *from,
                           struct err *err)
{
    enum err_code rc = ERR_OK;
    if (!from->study.shard_count || from->batch_count)
        rc = err_set(err, ERR_REFERENCE, "expected a shard (sweep --shard), found a whole study");
    for (size_t i = 0; rc == ERR_OK && i < from->record_count; i++) {
        const struct sweep_record *theirs = &from->records[i];
        const struct sweep_record *ours = sweep_store_find(into, theirs->request);
        if (ours && !agree(ours, theirs))
            rc = err_set(err, ERR_REFERENCE,
                         "expected the same outcome of point %llu as in the other shards",
                         (unsigned long long)theirs->request.point);
    }
    if (rc != ERR_OK)
        err_in_file(err, from->file, 0, 0);
    return rc;
}

static const char copy_rows[] =
    "INSERT OR IGNORE INTO points SELECT * FROM other.points;"
    "INSERT OR IGNORE INTO outcomes SELECT * FROM other.outcomes ORDER BY batch, position;"
    "INSERT OR IGNORE INTO mappings SELECT * FROM other.mappings;";

static enum err_code attach(struct sweep_store *into, const char *file, struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = sweep_db_prepare(&into->db, "ATTACH ? AS other", &stmt, err);
    if (rc != ERR_OK)
        return rc;
    sweep_db_bind_text(stmt, 1, file);
    rc = sweep_db_step(&into->db, stmt, err);
    sqlite3_finalize(stmt);
    return rc;
}

enum err_code sweep_store_merge(struct sweep_store *into, struct sweep_store *from, struct err *err)
{
    enum err_code rc = sweep_store_commit(into, err);
    if (rc == ERR_OK)
        rc = check(into, from, err);
    if (rc == ERR_OK)
        rc = attach(into, from->file, err);
    if (rc != ERR_OK)
        return rc;
    rc = sweep_store_begin(into, err);
    if (rc == ERR_OK)
        rc = sweep_store_end(into, sweep_db_run(&into->db, copy_rows, err), err);
    for (size_t i = 0; rc == ERR_OK && i < from->record_count; i++)
        if (!sweep_store_find(into, from->records[i].request))
            sweep_store_rows_remember(into, &from->records[i]);
    sweep_db_run(&into->db, "DETACH other", NULL);
    return rc;
}
