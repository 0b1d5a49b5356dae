/*
 * The results of a sweep, kept in one SQLite file (study.db; its schema: docs/formats.md).
 *
 * Two logs that only grow. `outcomes`: what the mapper found for a request, a (point, rung), and
 * in which batch of the strategy it was first asked. `improvements`: after a batch, the mapping of
 * another point turned out better for this one. What the strategy was told of a request in batch b
 * is its outcome with the latest improvement of a batch ≤ b. So a strategy that is asked again
 * from its start is told the same again, and a study resumes by being replayed.
 *
 * Durability: rows are gathered and committed at most SWEEP_STORE_DELAY_S after the first
 * (sweep_store_tick()), and before anything is told. A commit is on disk when it returns; a process
 * killed at any moment leaves a file that opens and holds everything committed. While a study is
 * written a file of 8 MiB stands beside it: on a full disk it makes way, so that what was gathered
 * is kept, too. Only one process may write a study: it holds a lock on the folder.
 *
 * All of the outcomes live in memory as well (about 200 bytes each); mappings stay on disk.
 */
#ifndef SOCWEAVE_SWEEP_STORE_H
#define SOCWEAVE_SWEEP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "sweep/outcome.h"

#define SWEEP_STORE_APPLICATION 0x534f4357 /* "SOCW" */
#define SWEEP_STORE_VERSION     2          /* of the schema: user_version */
#define SWEEP_STORE_DELAY_S     0.25
#define SWEEP_STORE_FILE        "study.db"
#define SWEEP_STORE_RESERVE     "study.db-reserve"

/* A name and what it is: an option and its value, an input file and its SHA-256. */
struct sweep_fact {
    const char *name, *value;
};

/* What a study is of. Two studies are the same if all but `command` and the files' names are. */
struct sweep_study {
    const char *version, *command;
    const char *space_file, *space_text, *space_sha256; /* space/1, whole; hash of what it says */
    const char *workload_file;
    size_t input_count, option_count, parameter_count;
    const struct sweep_fact *inputs;  /* the workload and its graphs */
    const struct sweep_fact *options; /* all that results depend on */
    const char *const *parameters;    /* of a point */
    uint32_t shard, shard_count;      /* shard of 1..shard_count; 0 of 0: everything */
};

/* The value of one parameter: a number unless `text` is there. */
struct sweep_value {
    const char *text;
    double number;
};

struct sweep_record {
    struct sweep_request request;
    uint64_t batch, position;            /* where it was asked first */
    struct sweep_outcome found, settled; /* by its own search; with improvements so far */
    const char *reason;                  /* of what is not OK; "" otherwise; owned */
    double wall_s;                       /* of the evaluation; not reproducible */
};

/* The mapping of `from` does better on `request` than its own. */
struct sweep_improvement {
    struct sweep_request request, from;
    struct sweep_outcome outcome;
    const struct text *mapping; /* mapping/1 for the request's SoC; NULL: keep what is there */
};

struct sweep_store;

/* dir must exist. new: ERR_USAGE if a study is there already. */
enum err_code sweep_store_new(const char *dir, const struct sweep_study *study,
                              struct sweep_store **out, struct err *err);
/*
 * Go on with the study in dir: ERR_REFERENCE names the first thing in which it is another one than
 * `study`. A dir without a study: as sweep_store_new().
 */
enum err_code sweep_store_resume(const char *dir, const struct sweep_study *study,
                                 struct sweep_store **out, struct err *err);
/* To read only; all improvements are applied. */
enum err_code sweep_store_read(const char *dir, struct sweep_store **out, struct err *err);
/* Commits what is gathered. NULL is fine. */
enum err_code sweep_store_close(struct sweep_store *store, struct err *err);

bool sweep_store_is_in(const char *dir);
const struct sweep_study *sweep_store_study(const struct sweep_store *store);
const char *sweep_store_option(const struct sweep_store *store, const char *name); /* or NULL */
/* ERR_REFERENCE unless both are the same study but for `shard`. The message names `dir`. */
enum err_code sweep_study_same(const struct sweep_study *is, const struct sweep_study *expected,
                               const char *dir, struct err *err);

/* In the order in which they were added; pointers live until the next one is added. */
size_t sweep_store_count(const struct sweep_store *store);
const struct sweep_record *sweep_store_at(const struct sweep_store *store, size_t i);
const struct sweep_record *sweep_store_find(const struct sweep_store *store,
                                            struct sweep_request request); /* or NULL */

/* A new outcome, `settled` not yet looked at. `mapping`, packed or not (sweep/pack.h), may be NULL;
 * `values` has an entry per parameter. A request that is there already is an error of the caller.
 * An error is of the disk: the outcomes before this one, and this one if the message says so, are
 * kept. */
enum err_code sweep_store_add(struct sweep_store *store, const struct sweep_record *record,
                              const struct text *mapping, const struct sweep_value *values,
                              struct err *err);
/* Appends the mapping/1 text, or nothing if none is kept; _as_kept: it may be packed. */
enum err_code sweep_store_mapping(struct sweep_store *store, struct sweep_request request,
                                  struct text *out, struct err *err);
enum err_code sweep_store_mapping_as_kept(struct sweep_store *store, struct sweep_request request,
                                          struct text *out, struct err *err);
/* Values of a point as texts, in order of the parameters; the caller frees each. */
enum err_code sweep_store_values(struct sweep_store *store, uint64_t point, char **values,
                                 struct err *err);

/*
 * Ends batch `batch`. sweep_store_settled(): it was ended in an earlier run; its improvements are
 * applied now. Otherwise sweep_store_settle() writes them, applies them and commits. Batches are
 * settled in ascending order.
 */
bool sweep_store_settled(struct sweep_store *store, uint64_t batch);
enum err_code sweep_store_settle(struct sweep_store *store, uint64_t batch,
                                 const struct sweep_improvement *improvements, size_t count,
                                 struct err *err);

/* Commits if the oldest row that is not on disk has waited for SWEEP_STORE_DELAY_S. */
enum err_code sweep_store_tick(struct sweep_store *store, struct err *err);
enum err_code sweep_store_commit(struct sweep_store *store, struct err *err);

/* Nothing is left to ask: the requests of the front are noted, their mappings become text; those of
 * others are dropped. */
enum err_code sweep_store_finish(struct sweep_store *store, const struct sweep_request *front,
                                 size_t count, struct err *err);
bool sweep_store_finished(const struct sweep_store *store);

/*
 * Takes over all outcomes and mappings of another study of the same space, workload and options
 * (its shard may differ), but not its improvements. Where both have an outcome they must agree
 * (ERR_REFERENCE).
 */
enum err_code sweep_store_merge(struct sweep_store *into, struct sweep_store *from,
                                struct err *err);

#endif
