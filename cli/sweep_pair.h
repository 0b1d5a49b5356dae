/* report --compare: two studies of one workload and the same objectives, side by side. */
#ifndef SOCWEAVE_CLI_SWEEP_PAIR_H
#define SOCWEAVE_CLI_SWEEP_PAIR_H

#include <stdbool.h>

#include "core/err.h"

/*
 * Writes studies.html and studies.json into `out` (NULL: out/A-B by the folders' names) and prints
 * a table, or the JSON. ERR_REFERENCE unless objectives and workload are the same.
 */
enum err_code cli_sweep_pair(const char *const dirs[2], const char *out, bool json,
                             struct err *err);

#endif
