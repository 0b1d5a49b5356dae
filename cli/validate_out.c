#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cli/validate.h"
#include "core/arena.h"
#include "core/file.h"

static int is_result(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 14 && strncmp(entry->d_name, "validate.", 9) == 0 &&
           strcmp(entry->d_name + length - 5, ".json") == 0;
}

static enum err_code load_all(const char *dir, struct dirent **entries, size_t count,
                              struct report_validation *all, struct arena *arena, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        char *file = file_join(dir, entries[i]->d_name);
        rc = report_validation_load(&all[i], file, arena, err);
        free(file);
    }
    return rc;
}

static enum err_code write_page(const char *dir, const struct report_validation *all, size_t count,
                                struct err *err)
{
    struct text html = { 0 };
    char *file = file_join(dir, "validate.html");
    report_validation_html(all, count, &html);
    enum err_code rc = file_write(file, html.data, html.bytes, err);
    text_release(&html);
    free(file);
    return rc;
}

enum err_code cli_validate_page(const char *dir, bool *any, struct err *err)
{
    struct dirent **entries = NULL;
    int found = scandir(dir, &entries, is_result, alphasort);
    size_t count = found > 0 ? (size_t)found : 0;
    *any = count > 0;
    struct arena *arena = arena_new();
    struct report_validation *all = ARENA_ARRAY(arena, struct report_validation, count + 1);
    enum err_code rc = load_all(dir, entries, count, all, arena, err);
    if (rc == ERR_OK && count > 0)
        rc = write_page(dir, all, count, err);
    for (size_t i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    arena_free(arena);
    return rc;
}

enum err_code cli_validate_write_dir(const struct report_validation *v, const char *dir,
                                     struct err *err)
{
    struct text json = { 0 }, name = { 0 };
    bool any;
    enum err_code rc = file_make_dir(dir, err);
    text_printf(&name, "validate.%s.json", v->backend);
    char *file = file_join(dir, name.data);
    report_validation_json(v, &json);
    text_add(&json, "\n");
    if (rc == ERR_OK)
        rc = file_write(file, json.data, json.bytes, err);
    if (rc == ERR_OK)
        rc = cli_validate_page(dir, &any, err);
    free(file);
    text_release(&name);
    text_release(&json);
    return rc;
}
