/* sweep.html: what a study has found, for people. */
#ifndef SOCWEAVE_CLI_SWEEP_PAGE_H
#define SOCWEAVE_CLI_SWEEP_PAGE_H

#include "cli/sweep_results.h"

/* Appends the page: a function of the outcomes and options alone. */
enum err_code cli_sweep_page(const struct cli_sweep_results *results, struct text *out,
                             struct err *err);

#endif
