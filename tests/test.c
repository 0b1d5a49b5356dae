/* Runs the registered tests, all or those whose name contains an argument; see tests/test.h.
 * --list names them; SOCWEAVE_TEST_TIMES=1 prints the milliseconds of each. */
#include "tests/test.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/file.h"

struct test {
    const char *name;
    test_function *run;
};

enum outcome { PASSED, FAILED, SKIPPED };

static struct test *tests;
static size_t test_count;
static const char *running;
static bool has_seed;
static uint64_t seed_now;
static jmp_buf back;

static char **temp_dirs;
static size_t temp_dir_count;

void test_register(const char *name, test_function *run)
{
    tests = mem_grow(tests, test_count + 1, sizeof *tests);
    tests[test_count++] = (struct test){ name, run };
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "FAIL %s\n  %s:%d: ", running, file, line);
    vfprintf(stderr, format, args);
    if (has_seed)
        fprintf(stderr, " (seed %" PRIu64 ")", seed_now);
    fputc('\n', stderr);
    va_end(args);
    longjmp(back, 1 + FAILED);
}

void test_seed(uint64_t seed)
{
    has_seed = true;
    seed_now = seed;
}

void test_skip(const char *reason)
{
    fflush(stdout);
    fprintf(stderr, "SKIP %s: %s\n", running, reason);
    longjmp(back, 1 + SKIPPED);
}

void test_check_str(const char *file, int line, const char *expected, const char *got)
{
    if (strcmp(expected, got) != 0)
        test_fail(file, line, "expected \"%s\"\n        got \"%s\"", expected, got);
}

static bool is_root(const char *dir)
{
    char *version = file_join(dir, "VERSION");
    bool found = access(version, R_OK) == 0;
    free(version);
    return found;
}

/* `from` or the nearest folder above it that is the project's root. */
static bool find_root(const char *from, char root[PATH_MAX])
{
    if (!realpath(from, root))
        return false;
    while (!is_root(root)) {
        char *slash = strrchr(root, '/');
        if (!slash || slash == root)
            return false;
        *slash = '\0';
    }
    return true;
}

static const char *project_root(void)
{
    static char root[PATH_MAX];
    const char *given = getenv("SOCWEAVE_ROOT");
    if (root[0] || (given && find_root(given, root)))
        return root;
    char binary[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (length > 0) {
        binary[length] = '\0';
        char *dir = file_dir(binary);
        bool found = find_root(dir, root);
        free(dir);
        if (found)
            return root;
    }
    if (find_root(".", root))
        return root;
    fprintf(stderr, "test_path: no folder with the file VERSION above the binary or here\n");
    exit(1);
}

const char *test_path(const char *relative)
{
    static char paths[8][2 * PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", project_root(), relative);
    return path;
}

const char *test_temp_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = file_join(tmp && tmp[0] ? tmp : "/tmp", "socweave-test-XXXXXX");
    if (!mkdtemp(dir))
        test_fail(__FILE__, __LINE__, "cannot make the folder %s", dir);
    temp_dirs = mem_grow(temp_dirs, temp_dir_count + 1, sizeof *temp_dirs);
    temp_dirs[temp_dir_count++] = dir;
    return dir;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_temp_dirs(void)
{
    for (size_t i = 0; i < temp_dir_count; i++) {
        nftw(temp_dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(temp_dirs[i]);
    }
    free(temp_dirs);
}

/* An assert or a crash ends the run; say in which test. */
static void on_crash(int number)
{
    static const char prefix[] = "\nCRASH in ";
    const char *name = running ? running : "(no test)";
    ssize_t ignored = write(STDERR_FILENO, prefix, sizeof prefix - 1);
    ignored += write(STDERR_FILENO, name, strlen(name));
    ignored += write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_crashes(void)
{
    static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        struct sigaction old;
        sigaction(crashes[i], NULL, &old);
        if (old.sa_handler == SIG_DFL) /* a sanitizer's handler stays */
            signal(crashes[i], on_crash);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct test *)a)->name, ((const struct test *)b)->name);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]))
            return true;
    }
    return argc == 1;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static enum outcome run_test(const struct test *test)
{
    has_seed = false;
    running = test->name;
    int jumped = setjmp(back);
    if (jumped != 0)
        return (enum outcome)(jumped - 1);
    test->run();
    return PASSED;
}

static int list_tests(void)
{
    for (size_t i = 0; i < test_count; i++)
        puts(tests[i].name);
    return 0;
}

static int run_tests(int argc, char **argv)
{
    unsigned outcomes[3] = { 0, 0, 0 };
    bool times = getenv("SOCWEAVE_TEST_TIMES") != NULL;
    for (size_t i = 0; i < test_count; i++) {
        if (!is_wanted(tests[i].name, argc, argv))
            continue;
        double start_ms = now_ms();
        outcomes[run_test(&tests[i])]++;
        if (times)
            printf("%8.1f ms  %s\n", now_ms() - start_ms, tests[i].name);
    }
    remove_temp_dirs();
    unsigned total = outcomes[PASSED] + outcomes[FAILED] + outcomes[SKIPPED];
    if (total == 0)
        fprintf(stderr, "no test has such a name\n");
    printf("%u passed, %u failed, %u skipped\n", outcomes[PASSED], outcomes[FAILED],
           outcomes[SKIPPED]);
    fflush(stdout);
    if (outcomes[FAILED] > 0)
        _exit(1); /* failed tests leak what they held; no leak report about that */
    return total == 0;
}

int main(int argc, char **argv)
{
    if (test_count > 0)
        qsort(tests, test_count, sizeof *tests, by_name);
    watch_crashes();
    bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    int status = list ? list_tests() : run_tests(argc, argv);
    free(tests);
    return status;
}
