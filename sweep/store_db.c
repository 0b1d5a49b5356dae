#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/store_db.h"

/*
 * The journal is a file of its own beside the database: unlike a write-ahead log it needs no
 * shared memory, so a study may live on a file system of a cluster, and readers need no rights to
 * write. Synchronous: what is committed survives a power cut, too.
 */
static const char settings[] = "PRAGMA journal_mode = TRUNCATE;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;";

const char sweep_db_schema[] =
    "CREATE TABLE study (\n"
    "  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
    "  version TEXT NOT NULL,          -- of the program\n"
    "  command TEXT NOT NULL,\n"
    "  space_file TEXT NOT NULL, space_sha256 TEXT NOT NULL, space_text TEXT NOT NULL,\n"
    "  workload_file TEXT NOT NULL,\n"
    "  shard INTEGER NOT NULL, shard_count INTEGER NOT NULL,  -- 0 of 0: everything\n"
    "  finished INTEGER NOT NULL DEFAULT 0 CHECK (finished IN (0, 1))\n"
    ") STRICT;\n"
    "CREATE TABLE inputs (\n"
    "  number INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE options (\n"
    "  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE parameters (\n"
    "  parameter INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE\n"
    ") STRICT;\n"
    "CREATE TABLE points (\n"
    "  point INTEGER NOT NULL,\n"
    "  parameter INTEGER NOT NULL REFERENCES parameters (parameter),\n"
    "  value ANY NOT NULL,\n"
    "  PRIMARY KEY (point, parameter)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE outcomes (\n"
    "  point INTEGER NOT NULL, rung INTEGER NOT NULL,\n"
    "  batch INTEGER NOT NULL, position INTEGER NOT NULL,  -- where it was asked first\n"
    "  status TEXT NOT NULL CHECK (status IN ('ok', 'infeasible', 'failed')),\n"
    "  reason TEXT,\n"
    "  makespan_ps INTEGER, energy_pj REAL, area_mm2 REAL, power_w REAL,\n"
    "  lower_bound_ps INTEGER, deadline_misses INTEGER,\n"
    "  wall_s REAL NOT NULL,\n"
    "  PRIMARY KEY (point, rung)\n"
    ") STRICT;\n"
    "CREATE TABLE mappings (\n"
    "  point INTEGER NOT NULL, rung INTEGER NOT NULL,\n"
    "  mapping ANY NOT NULL,           -- a zlib stream; TEXT once finished\n"
    "  PRIMARY KEY (point, rung),\n"
    "  FOREIGN KEY (point, rung) REFERENCES outcomes (point, rung)\n"
    ") STRICT;\n"
    "CREATE TABLE batches (\n"
    "  batch INTEGER PRIMARY KEY, improvements INTEGER NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE improvements (\n"
    "  number INTEGER PRIMARY KEY,\n"
    "  batch INTEGER NOT NULL REFERENCES batches (batch),\n"
    "  point INTEGER NOT NULL, rung INTEGER NOT NULL,\n"
    "  from_point INTEGER NOT NULL, from_rung INTEGER NOT NULL,\n"
    "  makespan_ps INTEGER NOT NULL, energy_pj REAL NOT NULL,\n"
    "  area_mm2 REAL NOT NULL, power_w REAL NOT NULL,\n"
    "  lower_bound_ps INTEGER NOT NULL, deadline_misses INTEGER NOT NULL,\n"
    "  FOREIGN KEY (point, rung) REFERENCES outcomes (point, rung),\n"
    "  FOREIGN KEY (from_point, from_rung) REFERENCES outcomes (point, rung)\n"
    ") STRICT;\n"
    "CREATE TABLE front (\n"
    "  point INTEGER NOT NULL, rung INTEGER NOT NULL,\n"
    "  PRIMARY KEY (point, rung),\n"
    "  FOREIGN KEY (point, rung) REFERENCES outcomes (point, rung)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE VIEW results AS\n"
    "  SELECT o.point, o.rung, o.batch, o.position, o.status, o.reason,\n"
    "    coalesce(i.makespan_ps, o.makespan_ps) AS makespan_ps,\n"
    "    coalesce(i.energy_pj, o.energy_pj) AS energy_pj,\n"
    "    coalesce(i.area_mm2, o.area_mm2) AS area_mm2,\n"
    "    coalesce(i.power_w, o.power_w) AS power_w,\n"
    "    coalesce(i.lower_bound_ps, o.lower_bound_ps) AS lower_bound_ps,\n"
    "    coalesce(i.deadline_misses, o.deadline_misses) AS deadline_misses,\n"
    "    o.makespan_ps AS found_makespan_ps, o.energy_pj AS found_energy_pj,\n"
    "    i.from_point AS replayed_from, i.from_rung AS replayed_from_rung\n"
    "  FROM outcomes o LEFT JOIN improvements i ON i.number =\n"
    "    (SELECT max(number) FROM improvements WHERE point = o.point AND rung = o.rung);\n"
    "CREATE INDEX improvements_of ON improvements (point, rung);\n";

static enum err_code as_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return ERR_SYNTAX;
    default:
        return ERR_IO;
    }
}

enum err_code sweep_db_failed(const struct sweep_db *db, const char *doing, struct err *err)
{
    int rc = db->handle ? sqlite3_extended_errcode(db->handle) : SQLITE_NOMEM;
    const char *why = db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
    enum err_code code = err_set(err, as_code(rc), "cannot %s: %s", doing,
                                 (rc & 0xff) == SQLITE_BUSY ? "another program is using it" : why);
    err_in_file(err, db->file, 0, 0);
    return code;
}

enum err_code sweep_db_open(struct sweep_db *db, const char *file, bool write, struct err *err)
{
    int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    db->file = file;
    if (sqlite3_open_v2(file, &db->handle, flags, NULL) != SQLITE_OK)
        return sweep_db_failed(db, "open it", err);
    sqlite3_busy_timeout(db->handle, 20000); /* a reader may be at work */
    return write ? sweep_db_run(db, settings, err) : ERR_OK;
}

enum err_code sweep_db_close(struct sweep_db *db, struct err *err)
{
    if (sqlite3_close(db->handle) != SQLITE_OK)
        return sweep_db_failed(db, "close it", err);
    db->handle = NULL;
    return ERR_OK;
}

enum err_code sweep_db_run(const struct sweep_db *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sweep_db_failed(db, "write to it", err);
    return ERR_OK;
}

enum err_code sweep_db_prepare(const struct sweep_db *db, const char *sql, sqlite3_stmt **out,
                               struct err *err)
{
    *out = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, out, NULL) != SQLITE_OK)
        return sweep_db_failed(db, "read it", err);
    return ERR_OK;
}

enum err_code sweep_db_step(const struct sweep_db *db, sqlite3_stmt *stmt, struct err *err)
{
    enum err_code rc = ERR_OK;
    if (sqlite3_step(stmt) != SQLITE_DONE)
        rc = sweep_db_failed(db, "write to it", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

bool sweep_db_row(const struct sweep_db *db, sqlite3_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        sweep_db_failed(db, "read it", err);
    sqlite3_finalize(stmt);
    return false;
}

enum err_code sweep_db_pragma(const struct sweep_db *db, const char *name, int64_t *out,
                              struct err *err)
{
    sqlite3_stmt *stmt;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    enum err_code rc = sweep_db_prepare(db, sql, &stmt, err);
    if (rc != ERR_OK)
        return rc;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else
        rc = sweep_db_failed(db, "read it", err);
    sqlite3_finalize(stmt);
    return rc;
}

void sweep_db_bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    if (text)
        sqlite3_bind_text(stmt, column, text, -1, SQLITE_TRANSIENT);
}

const char *sweep_db_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    return text ? (const char *)text : "";
}
