/* The person at the terminal: progress, signals, numbers in words. */
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/num.h"
#include "core/text.h"

const char *const cli_progress_names[4] = { "auto", "none", "bar", "lines" };

volatile sig_atomic_t cli_stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (cli_stop)
        _exit(130);
    cli_stop = 1;
    static const char words[] = "\ninterrupted: finishing this step; once more to stop at once\n";
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        return;
}

void cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

double cli_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

unsigned cli_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

#define BAR_WIDTH     24
#define BAR_PERIOD_S  0.1
#define LINE_PERIOD_S 3.0

void cli_progress_start(struct cli_progress *p, enum cli_progress_mode mode, const char *what)
{
    if (mode == CLI_PROGRESS_AUTO)
        mode = isatty(STDERR_FILENO) ? CLI_PROGRESS_BAR : CLI_PROGRESS_LINES;
    double now = cli_now_s();
    *p = (struct cli_progress){ .mode = mode, .what = what, .started_s = now, .shown_s = now };
}

/* total 0: unknown, so there is no share and no remaining time to tell. */
static void show_line(const struct cli_progress *p, uint64_t done, uint64_t total, double elapsed_s,
                      double left_s, const char *detail)
{
    if (total)
        fprintf(stderr, "%s: step %llu of %llu, %.0f s, about %.0f s left; %s\n", p->what,
                (unsigned long long)done, (unsigned long long)total, elapsed_s, left_s, detail);
    else
        fprintf(stderr, "%s: step %llu, %.0f s; %s\n", p->what, (unsigned long long)done, elapsed_s,
                detail);
}

static void show_bar(const struct cli_progress *p, uint64_t done, uint64_t total, double elapsed_s,
                     double left_s, const char *detail)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = total ? (size_t)(BAR_WIDTH * min_u64(done, total) / total) : 0;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    if (total)
        fprintf(stderr, "\r%s [%s] %.0fs left  %.38s\033[K", p->what, bar, left_s, detail);
    else
        fprintf(stderr, "\r%s %.0fs  %.56s\033[K", p->what, elapsed_s, detail);
    fflush(stderr);
}

void cli_progress_show(struct cli_progress *p, uint64_t done, uint64_t total, const char *detail)
{
    double now = cli_now_s();
    bool lines = p->mode == CLI_PROGRESS_LINES;
    if (p->mode == CLI_PROGRESS_NONE || now - p->shown_s < (lines ? LINE_PERIOD_S : BAR_PERIOD_S))
        return;
    p->shown_s = now;
    p->drawn = true;
    double elapsed_s = now - p->started_s;
    double left_s = total > done && done ? elapsed_s / (double)done * (double)(total - done) : 0;
    (lines ? show_line : show_bar)(p, done, total, elapsed_s, left_s, detail);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->mode == CLI_PROGRESS_BAR && p->drawn)
        fputs("\r\033[K", stderr);
}

static char *with_prefix(double value, const char *const *units, size_t unit_count, char *buf,
                         size_t size)
{
    size_t unit = 0;
    while (unit + 1 < unit_count && fabs(value) >= 999.95) {
        value /= 1000;
        unit++;
    }
    snprintf(buf, size, "%.4g %s", value, units[unit]);
    return buf;
}

char *cli_time(uint64_t ps, char *buf, size_t size)
{
    static const char *const units[] = { "ps", "ns", "us", "ms", "s" };
    return with_prefix((double)ps, units, 5, buf, size);
}

char *cli_energy(double pj, char *buf, size_t size)
{
    static const char *const units[] = { "pJ", "nJ", "uJ", "mJ", "J", "kJ" };
    return with_prefix(pj, units, 6, buf, size);
}

/* Options that change where or how fast, but not what. */
static bool is_incidental(const char *arg, bool *takes_value)
{
    static const struct {
        const char *name;
        bool takes_value;
    } table[] = { { "--jobs", true },    { "--out", true },     { "--progress", true },
                  { "--threads", true }, { "--resume", false }, { "--json", false } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t length = strlen(table[i].name);
        if (strncmp(arg, table[i].name, length) || (arg[length] && arg[length] != '='))
            continue;
        *takes_value = table[i].takes_value && !arg[length];
        return true;
    }
    return false;
}

static void add_quoted(struct text *line, const char *arg)
{
    bool plain = *arg &&
                 strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_-./=:,+@%#") == strlen(arg) &&
                 *arg != '#';
    if (plain) {
        text_add(line, arg);
        return;
    }
    text_add(line, "'");
    for (; *arg; arg++)
        if (*arg == '\'')
            text_add(line, "'\\''");
        else
            text_add_bytes(line, arg, 1);
    text_add(line, "'");
}

char *cli_command_line(int argc, char **argv)
{
    struct text line = { 0 };
    text_add(&line, "socweave");
    for (int i = 0; i < argc; i++) {
        bool takes_value = false;
        if (i && is_incidental(argv[i], &takes_value)) {
            i += takes_value;
            continue;
        }
        text_add(&line, " ");
        add_quoted(&line, argv[i]);
    }
    return line.data;
}
