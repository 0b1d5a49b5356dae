/*
 * What the default mapper can do without, by name: --without of explore, -without- of compare.
 */
#ifndef SOCWEAVE_CLI_LEVERS_H
#define SOCWEAVE_CLI_LEVERS_H

#include "core/err.h"

/* Sets the lever's bit (1u << enum mapper_lever); ERR_USAGE with all names if there is none. */
enum err_code cli_find_lever(const char *name, unsigned *levers_off, struct err *err);

#endif
