/*
 * Errors of the outside world: files, JSON, infeasible problems, absent hardware.
 *
 * A function that can fail returns `enum err_code` and takes `struct err *` as its last
 * parameter (may be NULL). The first failure wins: err_set() on a record that already holds
 * one changes nothing, so clean-up code can run freely. Our own mistakes are assert()s;
 * running out of memory ends the program in core/arena.c.
 *
 * The user reads one line:
 *   soc-configs/edge.json:41:19: $.accelerators[2].clock_hz: expected 1..1e12, got -4 (RANGE)
 */
#ifndef SOCWEAVE_CORE_ERR_H
#define SOCWEAVE_CORE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, exit status of the program, sentence). Exit statuses: DESIGN, "Commands". */
#define ERR_CODE_MAP(X)                                                                            \
    X(OK, 0, "no error")                                                                           \
    X(CHECK, 1, "a check or comparison failed")                                                    \
    X(USAGE, 2, "the command line is wrong")                                                       \
    X(SYNTAX, 3, "the text is not well-formed")                                                    \
    X(KEY, 3, "a key is unknown, missing or given twice")                                          \
    X(TYPE, 3, "a value has the wrong type")                                                       \
    X(RANGE, 3, "a number is out of its range")                                                    \
    X(VALUE, 3, "a value is not one of those allowed")                                             \
    X(REFERENCE, 3, "a name refers to nothing")                                                    \
    X(DUPLICATE, 3, "a name is used twice")                                                        \
    X(CYCLE, 3, "the graph has a cycle")                                                           \
    X(LIMIT, 3, "an input is larger than the program takes")                                       \
    X(OVERFLOW, 3, "a product of sizes does not fit 63 bits")                                      \
    X(MAPPING, 3, "the mapping breaks a rule")                                                     \
    X(INFEASIBLE, 4, "no legal mapping exists")                                                    \
    X(IO, 5, "a file could not be read or written")                                                \
    X(UNAVAILABLE, 6, "the backend is not available")                                              \
    X(UNSUPPORTED, 6, "the backend cannot run this")                                               \
    X(DEVICE, 6, "the device failed")                                                              \
    X(SIM, 1, "the timing model failed")                                                           \
    X(INTERRUPTED, 130, "interrupted")

enum err_code {
#define X(name, status, what) ERR_##name,
    ERR_CODE_MAP(X)
#undef X
};

struct err {
    enum err_code code;
    int line, column; /* 1-based; 0 = unknown */
    char file[512];   /* empty = not about a file */
    char path[256];   /* JSON path, "$.a[3].b"; empty = none */
    char text[768];   /* one sentence, no full stop: "expected …, got …" */
};

/* An err that holds nothing yet. */
#define ERR_INIT                                                                                   \
    {                                                                                              \
        ERR_OK, 0, 0, "", "", ""                                                                   \
    }

/* Record a failure unless one is there already; returns the code of the recorded failure.
 * `err` may be NULL: then only `code` is returned. */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum err_code err_vset(struct err *err, enum err_code code, const char *format, va_list args);

/* Add the place to the record if it has none yet. Returns err->code (ERR_OK for NULL). */
enum err_code err_in_file(struct err *err, const char *file, int line, int column);

/* "RANGE", "OK", …: the name without its prefix. */
const char *err_name(enum err_code code);
/* The sentence of the map above. */
const char *err_sentence(enum err_code code);
/* 0, 1, 2, 3, 4, 5, 6 or 130. */
int err_exit_status(enum err_code code);

/* The line shown above, without newline, cut at size-1. Control characters of names that came
 * from files are printed as `\xNN`. Returns buf. */
char *err_format(const struct err *err, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
