/* Options of a command: parsing and --help, from the same table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/json.h"

static void print_choices(const struct cli_option *option)
{
    for (size_t i = 0; i < option->choice_count; i++)
        printf("%s%s", i ? "|" : "", option->choices[i]);
}

static void print_default(const struct cli_option *option)
{
    switch (option->kind) {
    case CLI_TEXT:
        if (*(const char **)option->into)
            printf(" [%s]", *(const char **)option->into);
        break;
    case CLI_COUNT:
        if (*(uint64_t *)option->into)
            printf(" [%llu]", (unsigned long long)*(uint64_t *)option->into);
        break;
    case CLI_REAL:
        if (*(double *)option->into != 0)
            printf(" [%g]", *(double *)option->into);
        break;
    case CLI_CHOICE:
        printf(" [%s]", option->choices[*(unsigned *)option->into]);
        break;
    default:
        break;
    }
}

static void print_help(const char *name, const struct cli_option *options, size_t count)
{
    const struct cli_command *command = cli_find(name);
    printf("usage: socweave %s", name);
    for (size_t i = 0; i < count; i++)
        if (options[i].required)
            printf(" %s %s", options[i].name, options[i].value);
    printf(" [options]%s%s\n", command && command->operands ? " " : "",
           command && command->operands ? command->operands : "");
    if (command)
        printf("\n%s: %s.\n\n%s\n", name, command->summary, command->about);
    puts("\noptions:");
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *option = &options[i];
        char left[64];
        snprintf(left, sizeof left, "%s %s", option->name, option->value ? option->value : "");
        printf("  %-22s %s", left, option->help);
        if (option->kind == CLI_CHOICE) {
            printf(": ");
            print_choices(option);
        }
        if (!option->required)
            print_default(option);
        putchar('\n');
    }
    printf("  %-22s this page\n", "--help");
    if (command && command->example)
        printf("\nexample:\n  %s\n", command->example);
}

static enum err_code set_number(const struct cli_option *option, const char *value, struct err *err)
{
    char *end;
    errno = 0;
    double real = strtod(value, &end);
    bool bounded = option->low != 0 || option->high != 0;
    bool whole = option->kind == CLI_COUNT;
    if (end == value || *end || errno || real != real ||
        (bounded && (real < option->low || real > option->high)) ||
        (whole && (real < 0 || real >= 0x1p63 || real != (double)(uint64_t)real))) {
        if (bounded)
            return err_set(err, ERR_USAGE, "%s: expected a%s number in %.15g..%.15g, got \"%s\"",
                           option->name, whole ? " whole" : "", option->low, option->high, value);
        return err_set(err, ERR_USAGE, "%s: expected a%s number, got \"%s\"", option->name,
                       whole ? " whole" : "", value);
    }
    if (!whole) {
        *(double *)option->into = real;
        return ERR_OK;
    }
    /* Digits alone keep all 63 bits that JSON files hold; 1e6 goes through the double. */
    *(uint64_t *)option->into =
        strspn(value, "0123456789") == strlen(value) ? strtoull(value, NULL, 10) : (uint64_t)real;
    return ERR_OK;
}

static enum err_code set_choice(const struct cli_option *option, const char *value, struct err *err)
{
    for (size_t i = 0; i < option->choice_count; i++)
        if (!strcmp(option->choices[i], value)) {
            *(unsigned *)option->into = (unsigned)i;
            return ERR_OK;
        }
    char list[512] = "";
    for (size_t i = 0; i < option->choice_count; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "",
                 option->choices[i]);
    const char *near = json_nearest(value, option->choices, option->choice_count);
    return err_set(err, ERR_USAGE, "%s: expected one of %s, got \"%s\"%s%s%s", option->name, list,
                   value, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static enum err_code set_option(const struct cli_option *option, const char *value, struct err *err)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->into = true;
        return ERR_OK;
    case CLI_TEXT:
        *(const char **)option->into = value;
        return ERR_OK;
    case CLI_LIST: {
        struct cli_list *list = option->into;
        if (list->count == CLI_LIST_MAX)
            return err_set(err, ERR_USAGE, "%s: more than %d of them", option->name, CLI_LIST_MAX);
        list->items[list->count++] = value;
        return ERR_OK;
    }
    case CLI_CHOICE:
        return set_choice(option, value, err);
    default:
        return set_number(option, value, err);
    }
}

static const struct cli_option *find_option(const struct cli_option *options, size_t count,
                                            const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && !strncmp(options[i].name, name, length))
            return &options[i];
    return NULL;
}

static enum err_code unknown_option(const struct cli_option *options, size_t count,
                                    const char *given, struct err *err)
{
    const char *names[64];
    size_t name_count = 0;
    for (size_t i = 0; i < count && name_count < 64; i++)
        names[name_count++] = options[i].name;
    const char *near = json_nearest(given, names, name_count);
    return err_set(err, ERR_USAGE, "unknown option \"%s\"%s%s%s", given,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* The option at argv[*at] with its value, which may be the next argument. */
static enum err_code parse_option(const struct cli_option *options, size_t option_count, int argc,
                                  char **argv, int *at, struct err *err)
{
    const char *arg = strcmp(argv[*at], "-o") ? argv[*at] : "--out";
    const char *equals = strchr(arg, '=');
    size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
    const struct cli_option *option = find_option(options, option_count, arg, length);
    if (!option)
        return unknown_option(options, option_count, arg, err);
    if (option->kind == CLI_FLAG) {
        if (equals)
            return err_set(err, ERR_USAGE, "%s takes no value", option->name);
        return set_option(option, NULL, err);
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value || !*value)
        return err_set(err, ERR_USAGE, "%s needs a value: %s", option->name, option->value);
    return set_option(option, value, err);
}

static bool was_given(const struct cli_option *option)
{
    return option->kind == CLI_LIST ? ((struct cli_list *)option->into)->count > 0
                                    : *(const char **)option->into != NULL;
}

enum err_code cli_parse(const char *command, const struct cli_option *options, size_t option_count,
                        int argc, char **argv, struct cli_list *operands, bool *helped,
                        struct err *err)
{
    *helped = false;
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (options_ended || arg[0] != '-' || !arg[1]) {
            if (!operands)
                return err_set(err, ERR_USAGE, "unexpected argument \"%s\"", arg);
            if (operands->count == CLI_LIST_MAX)
                return err_set(err, ERR_USAGE, "more than %d arguments", CLI_LIST_MAX);
            operands->items[operands->count++] = arg;
        } else if (!strcmp(arg, "--")) {
            options_ended = true;
        } else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            print_help(command, options, option_count);
            *helped = true;
            return ERR_OK;
        } else if (parse_option(options, option_count, argc, argv, &i, err) != ERR_OK) {
            return err->code;
        }
    }
    for (size_t i = 0; i < option_count; i++)
        if (options[i].required && !was_given(&options[i]))
            return err_set(err, ERR_USAGE, "%s %s is missing", options[i].name, options[i].value);
    return ERR_OK;
}

int cli_fail(const char *command, const struct err *err)
{
    char line[2048];
    fprintf(stderr, "socweave %s: %s\n", command, err_format(err, line, sizeof line));
    if (err->code == ERR_USAGE)
        fprintf(stderr, "Try 'socweave %s --help'.\n", command);
    return err_exit_status(err->code);
}
