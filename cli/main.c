#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/json.h"

static void print_help(void)
{
    puts("socweave maps several neural networks at once onto a heterogeneous SoC, times the "
         "mapping in a\n"
         "SystemC model with contention, and reports it.\n"
         "\n"
         "usage: socweave COMMAND [options]      socweave COMMAND --help\n");
    for (size_t i = 0; i < cli_command_count; i++)
        printf("  %-10s %s\n", cli_commands[i].name, cli_commands[i].summary);
    puts("\n"
         "A first run:\n"
         "  socweave explore --soc comb-small-low --workload mixed-light --out out/first\n"
         "\n"
         "Exit status: 0 ok, 1 a check failed, 2 usage, 3 invalid input, 4 infeasible, 5 I/O,\n"
         "6 backend unavailable, 130 interrupted.");
}

static int unknown_command(const char *name)
{
    const char *names[32];
    for (size_t i = 0; i < cli_command_count; i++)
        names[i] = cli_commands[i].name;
    const char *near = json_nearest(name, names, cli_command_count);
    fprintf(stderr, "socweave: unknown command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs("\nTry 'socweave --help'.\n", stderr);
    return err_exit_status(ERR_USAGE);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help();
        return err_exit_status(ERR_USAGE);
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        const struct cli_command *command = argc > 2 ? cli_find(argv[2]) : NULL;
        if (command) {
            char *help[] = { argv[2], (char[]){ "--help" }, NULL };
            return command->run(2, help);
        }
        print_help();
        return 0;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
        puts("socweave " SOCWEAVE_VERSION);
        return 0;
    }
    const struct cli_command *command = cli_find(name);
    if (!command)
        return unknown_command(name);
    cli_accept_onnx();
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("socweave: could not write to standard output\n", stderr);
        return err_exit_status(ERR_IO);
    }
    return status;
}
