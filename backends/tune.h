/*
 * Choosing by measuring: the first few of a list that a model has ordered, and a cache file that
 * remembers the winner per device and shape family. Knows nothing of what it chooses among.
 *
 * The cache (tuning/1, docs/formats.md) is a hint: a file that is missing, broken or names
 * something that no longer exists means measuring again, never an error. It is replaced as a whole,
 * so two runs at once may lose each other's entries, but leave no half-written file.
 */
#ifndef SOCWEAVE_BACKENDS_TUNE_H
#define SOCWEAVE_BACKENDS_TUNE_H

#include "backends/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BACKEND_TUNE_ENTRIES_MAX 4096 /* of a cache; the oldest go first */

struct backend_tuner {
    const char *device, *family;
    size_t count; /* candidates, the most promising first; at least 1 */
    const char *(*name)(void *ctx, size_t candidate);
    /* Its time; an error passes the candidate over. */
    enum err_code (*measure)(void *ctx, size_t candidate, double *ns, struct err *err);
    void *ctx;
};

/*
 * The candidate that the cache names, or the fastest of the first tuning->count that can be
 * measured (the earlier one of equals), which the cache then remembers. The last error if none
 * could be measured.
 */
enum err_code backend_tune(const struct backend_tuner *tuner, const struct backend_tuning *tuning,
                           size_t *best, bool *from_cache, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
