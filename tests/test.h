/*
 * The test harness: one binary, tests register themselves, a failing check prints its place and
 * ends that test. Names are <unit>__<situation>__<expectation>.
 *
 *     TEST(arena__many_allocations__are_zeroed)
 *     {
 *         CHECK_INT(0, value);
 *     }
 */
#ifndef SOCWEAVE_TESTS_TEST_H
#define SOCWEAVE_TESTS_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef void test_function(void);

void test_register(const char *name, test_function *run);
/* Ends the running test as failed / skipped; do not return. */
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
void test_skip(const char *reason) __attribute__((noreturn));
/* The seed that the running test is at: printed if one of its checks fails. */
void test_seed(uint64_t seed);
void test_check_str(const char *file, int line, const char *expected, const char *got);
/* Path below the project's root, wherever the binary runs: "soc-configs/x.json". Static buffers, 8
 * live. */
const char *test_path(const char *relative);
/* A fresh folder under $TMPDIR, removed at the end of the run. */
const char *test_temp_dir(void);

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        test_register(#name, name);                                                                \
    }                                                                                              \
    static void name(void)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
    } while (0)

#define CHECK_INT(expected, got)                                                                   \
    do {                                                                                           \
        int64_t expected_ = (int64_t)(expected), got_ = (int64_t)(got);                            \
        if (expected_ != got_)                                                                     \
            test_fail(__FILE__, __LINE__, "%s: expected %" PRId64 ", got %" PRId64, #got,          \
                      expected_, got_);                                                            \
    } while (0)

#define CHECK_NEAR(expected, got, tolerance)                                                       \
    do {                                                                                           \
        double expected_ = (expected), got_ = (got), tolerance_ = (tolerance);                     \
        if (!(got_ >= expected_ - tolerance_ && got_ <= expected_ + tolerance_))                   \
            test_fail(__FILE__, __LINE__, "%s: expected %.17g, got %.17g", #got, expected_, got_); \
    } while (0)

#define CHECK_STR(expected, got) test_check_str(__FILE__, __LINE__, (expected), (got))

/* A call that must succeed; prints the error's line if not. */
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        struct err err_ = ERR_INIT;                                                                \
        struct err *err = &err_;                                                                   \
        if ((call) != ERR_OK) {                                                                    \
            char line_[2048];                                                                      \
            test_fail(__FILE__, __LINE__, "%s: %s", #call, err_format(err, line_, sizeof line_));  \
        }                                                                                          \
    } while (0)

#endif
