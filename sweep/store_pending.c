/*
 * Outcomes that are not on disk yet, and room for them: a file beside the database that nobody
 * reads. When the disk is full it goes, and what was gathered takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sweep/store_rows.h"

/* Rows of a commit at most, and bytes of their mappings: with the pages that they touch and the
 * journal of these they fit into the reserve. */
enum { ROWS_MAX = 256, BYTES_MAX = 1024 * 1024, RESERVE_BYTES = 8 * 1024 * 1024 };

/* --- the reserve -------------------------------------------------------------------------------
 */

enum err_code sweep_store_reserve(struct sweep_store *store, struct err *err)
{
    int fd = open(store->reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    int number = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_BYTES);
    if (fd >= 0)
        close(fd);
    if (number == 0)
        return ERR_OK;
    unlink(store->reserve);
    return err_set(err, ERR_IO, "cannot keep %d bytes in reserve as %s: %s", RESERVE_BYTES,
                   store->reserve, strerror(number));
}

bool sweep_store_free_reserve(struct sweep_store *store)
{
    return unlink(store->reserve) == 0;
}

/* --- rows that wait ----------------------------------------------------------------------------
 */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct sweep_value *copy_values(const struct sweep_value *values, size_t count)
{
    struct sweep_value *copy = (struct sweep_value *)mem_alloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        copy[i].text = values[i].text ? strdup(values[i].text) : NULL;
    }
    return copy;
}

static void pending_release(struct sweep_store *store, struct sweep_pending *pending)
{
    for (size_t i = 0; i < store->study.parameter_count; i++)
        free((char *)pending->values[i].text);
    free(pending->values);
    text_release(&pending->mapping);
}

void sweep_store_pending_release(struct sweep_store *store)
{
    for (size_t i = 0; i < store->pending_count; i++)
        pending_release(store, &store->pending[i]);
    store->pending_count = store->pending_bytes = 0;
}

enum err_code sweep_store_add(struct sweep_store *store, const struct sweep_record *record,
                              const struct text *mapping, const struct sweep_value *values,
                              struct err *err)
{
    assert(store->writable && !sweep_store_find(store, record->request));
    assert(store->pending_count < ROWS_MAX);
    if (!store->pending)
        store->pending = (struct sweep_pending *)mem_alloc(ROWS_MAX, sizeof *store->pending);
    if (store->pending_count == 0)
        store->pending_since_s = now_s();
    struct sweep_pending *pending = &store->pending[store->pending_count++];
    *pending = (struct sweep_pending){
        .record = store->record_count,
        .values = copy_values(values, store->study.parameter_count),
    };
    if (mapping && mapping->bytes)
        text_add_bytes(&pending->mapping, mapping->data, mapping->bytes);
    store->pending_bytes += pending->mapping.bytes;
    sweep_store_rows_remember(store, record);
    bool enough = store->pending_count == ROWS_MAX || store->pending_bytes >= BYTES_MAX;
    return enough ? sweep_store_commit(store, err) : ERR_OK;
}

static enum err_code write_pending(struct sweep_store *store, struct err *err)
{
    enum err_code rc = sweep_store_begin(store, err);
    for (size_t i = 0; rc == ERR_OK && i < store->pending_count; i++) {
        const struct sweep_pending *pending = &store->pending[i];
        rc = sweep_store_rows_write(store, &store->records[pending->record], &pending->mapping,
                                    pending->values, err);
    }
    return sweep_store_end(store, rc, err);
}

enum err_code sweep_store_all_kept(const struct sweep_store *store, const struct err *failure,
                                   struct err *err)
{
    err_set(err, failure->code, "%s; all %zu outcomes are kept: make room, then --resume",
            failure->text, store->record_count);
    err_in_file(err, store->file, 0, 0);
    return failure->code;
}

/* Once more where the reserve was: the failure stands, but nothing is lost. */
static enum err_code write_in_reserve(struct sweep_store *store, const struct err *failure,
                                      struct err *err)
{
    if (sweep_store_free_reserve(store) && write_pending(store, NULL) == ERR_OK) {
        sweep_store_pending_release(store);
        return sweep_store_all_kept(store, failure, err);
    }
    err_set(err, failure->code, "%s", failure->text);
    err_in_file(err, store->file, 0, 0);
    return failure->code;
}

enum err_code sweep_store_commit(struct sweep_store *store, struct err *err)
{
    struct err failure = ERR_INIT;
    if (store->pending_count == 0)
        return ERR_OK;
    if (write_pending(store, &failure) != ERR_OK)
        return write_in_reserve(store, &failure, err);
    sweep_store_pending_release(store);
    return ERR_OK;
}

enum err_code sweep_store_tick(struct sweep_store *store, struct err *err)
{
    if (store->pending_count == 0 || now_s() - store->pending_since_s < SWEEP_STORE_DELAY_S)
        return ERR_OK;
    return sweep_store_commit(store, err);
}
