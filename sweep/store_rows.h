/* Within the store: its struct, and the rows that grow. */
#ifndef SOCWEAVE_SWEEP_STORE_ROWS_H
#define SOCWEAVE_SWEEP_STORE_ROWS_H

#include <assert.h>

#include "core/arena.h"
#include "sweep/store_db.h"

enum sweep_store_statement {
    ADD_POINT,
    ADD_OUTCOME,
    ADD_MAPPING,
    ADD_BATCH,
    ADD_IMPROVEMENT,
    ADD_FRONT,
    STATEMENT_COUNT
};

struct sweep_logged {
    uint64_t batch;
    struct sweep_improvement improvement; /* without its mapping */
};

struct sweep_store {
    struct arena *arena; /* the study's texts, reasons */
    const char *file;
    struct sweep_db db;
    struct sweep_study study;
    bool writable, finished, pending;
    double pending_since_s;
    int lock_fd;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct sweep_record *records;
    size_t record_count, record_capacity;
    uint32_t *slots; /* hash table of numbers of records + 1; slot_count a power of two */
    size_t slot_count;
    struct sweep_logged *log; /* improvements read, in order; applied up to log_at */
    size_t log_count, log_at;
    uint64_t batch_count; /* batches 0 … that are settled in the file */
};

enum err_code sweep_store_begin(struct sweep_store *store, struct err *err);
enum err_code sweep_store_rows_prepare(struct sweep_store *store, struct err *err);
enum err_code sweep_store_rows_read(struct sweep_store *store, struct err *err);
void sweep_store_rows_settle_all(struct sweep_store *store);
/* Keeps a copy in memory; `settled` starts as `found`. */
void sweep_store_rows_remember(struct sweep_store *store, const struct sweep_record *record);
void sweep_store_rows_release(struct sweep_store *store); /* may be called twice */

#endif
