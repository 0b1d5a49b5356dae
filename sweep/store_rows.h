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

/* An outcome that is in memory alone. */
struct sweep_pending {
    size_t record;              /* its number */
    struct text mapping;        /* as it is kept; owned */
    struct sweep_value *values; /* of its point; owned, with their texts */
};

struct sweep_store {
    struct arena *arena; /* the study's texts, reasons */
    const char *file, *reserve;
    struct sweep_db db;
    struct sweep_study study;
    bool writable, finished;
    struct sweep_pending *pending;
    size_t pending_count, pending_bytes;
    double pending_since_s; /* the oldest */
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

/* A transaction; its end, with what has become of it: a failure takes everything back. */
enum err_code sweep_store_begin(struct sweep_store *store, struct err *err);
enum err_code sweep_store_end(struct sweep_store *store, enum err_code rc, struct err *err);

/* Room for what is not on disk yet; false: there was no reserve. */
enum err_code sweep_store_reserve(struct sweep_store *store, struct err *err);
bool sweep_store_free_reserve(struct sweep_store *store);
void sweep_store_pending_release(struct sweep_store *store);
/* A failure to write when every outcome is on disk. Returns its code. */
enum err_code sweep_store_all_kept(const struct sweep_store *store, const struct err *failure,
                                   struct err *err);

enum err_code sweep_store_rows_write(struct sweep_store *store, const struct sweep_record *record,
                                     const struct text *mapping, const struct sweep_value *values,
                                     struct err *err);
enum err_code sweep_store_rows_prepare(struct sweep_store *store, struct err *err);
enum err_code sweep_store_rows_read(struct sweep_store *store, struct err *err);
void sweep_store_rows_settle_all(struct sweep_store *store);
/* Keeps a copy in memory; `settled` starts as `found`. */
void sweep_store_rows_remember(struct sweep_store *store, const struct sweep_record *record);
void sweep_store_rows_release(struct sweep_store *store); /* may be called twice */

#endif
