/*
 * Which hardware instructions could run the layers of a problem, for its report.
 */
#ifndef SOCWEAVE_CLI_INTRINSICS_H
#define SOCWEAVE_CLI_INTRINSICS_H

#include "reports/report.h"

/* One record per layer class of the problem; free with cli_intrinsics_free(). */
struct report_intrinsics *cli_intrinsics_new(const struct problem *problem);
void cli_intrinsics_free(struct report_intrinsics *intrinsics, size_t class_count);

#endif
