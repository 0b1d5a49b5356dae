/*
 * Within the store: SQLite with our errors. Every call adds the file's name to what it reports;
 * ERR_IO for disks and locks, ERR_SYNTAX for a file that is no study or is damaged.
 */
#ifndef SOCWEAVE_SWEEP_STORE_DB_H
#define SOCWEAVE_SWEEP_STORE_DB_H

#include <sqlite3.h>

#include "sweep/store.h"

struct sweep_db {
    sqlite3 *handle;
    const char *file; /* borrowed */
};

enum err_code sweep_db_open(struct sweep_db *db, const char *file, bool write, struct err *err);
enum err_code sweep_db_close(struct sweep_db *db, struct err *err);
/* The error that the last call left. */
enum err_code sweep_db_failed(const struct sweep_db *db, const char *doing, struct err *err);
enum err_code sweep_db_run(const struct sweep_db *db, const char *sql, struct err *err);
enum err_code sweep_db_prepare(const struct sweep_db *db, const char *sql, sqlite3_stmt **out,
                               struct err *err);
/* One step of a statement that returns no row, then it is ready for the next. */
enum err_code sweep_db_step(const struct sweep_db *db, sqlite3_stmt *stmt, struct err *err);
/* True: a row is there. False: the end, or an error (err->code). Finalizes at either. */
bool sweep_db_row(const struct sweep_db *db, sqlite3_stmt *stmt, struct err *err);
/* "PRAGMA name": a whole number. */
enum err_code sweep_db_pragma(const struct sweep_db *db, const char *name, int64_t *out,
                              struct err *err);

/* NULL becomes NULL. */
void sweep_db_bind_text(sqlite3_stmt *stmt, int column, const char *text);
const char *sweep_db_text(sqlite3_stmt *stmt, int column); /* "" for NULL */

extern const char sweep_db_schema[];

#endif
