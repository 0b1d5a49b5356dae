#include "core/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_status;
    const char *sentence;
} err_rows[] = {
#define X(name, status, what) { #name, status, what },
    ERR_CODE_MAP(X)
#undef X
};

static const char *const ellipsis = "…";

/* Cuts text that snprintf truncated back to whole UTF-8 characters and marks the cut. */
static void mark_cut(char *buf, size_t size)
{
    size_t at = size - 1 - strlen(ellipsis);
    while (at > 0 && ((unsigned char)buf[at] & 0xc0) == 0x80)
        at--;
    strcpy(buf + at, ellipsis);
}

static void copy_cut(char *buf, size_t size, const char *text)
{
    if ((size_t)snprintf(buf, size, "%s", text) >= size)
        mark_cut(buf, size);
}

enum err_code err_vset(struct err *err, enum err_code code, const char *format, va_list args)
{
    assert(code != ERR_OK);
    if (!err)
        return code;
    if (err->code != ERR_OK)
        return err->code;
    err->code = code;
    int wanted = vsnprintf(err->text, sizeof err->text, format, args);
    if (wanted >= (int)sizeof err->text)
        mark_cut(err->text, sizeof err->text);
    return code;
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum err_code rc = err_vset(err, code, format, args);
    va_end(args);
    return rc;
}

enum err_code err_in_file(struct err *err, const char *file, int line, int column)
{
    if (!err)
        return ERR_OK;
    if (err->code != ERR_OK && err->file[0] == '\0') {
        copy_cut(err->file, sizeof err->file, file);
        err->line = line;
        err->column = column;
    }
    return err->code;
}

const char *err_name(enum err_code code)
{
    return err_rows[code].name;
}

const char *err_sentence(enum err_code code)
{
    return err_rows[code].sentence;
}

int err_exit_status(enum err_code code)
{
    return err_rows[code].exit_status;
}

struct line {
    char *buf;
    size_t size, used;
};

/* A character that could move a terminal's cursor or end our line: C0, DEL, or C1 in UTF-8. */
static size_t control_bytes(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    if (first < 0x20 || first == 0x7f)
        return 1;
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

static void line_put(struct line *line, char c)
{
    if (line->used + 1 < line->size)
        line->buf[line->used++] = c;
}

static void line_add(struct line *line, const char *text)
{
    for (; *text; text++) {
        size_t escape = control_bytes(text);
        if (escape == 0) {
            line_put(line, *text);
            continue;
        }
        char code[8];
        snprintf(code, sizeof code, "\\x%02x", (unsigned char)text[escape - 1]);
        for (const char *c = code; *c; c++)
            line_put(line, *c);
        text += escape - 1;
    }
}

char *err_format(const struct err *err, char *buf, size_t size)
{
    assert(size > 0);
    struct line line = { buf, size, 0 };
    char number[32];
    if (err->file[0]) {
        line_add(&line, err->file);
        if (err->line > 0) {
            snprintf(number, sizeof number, ":%d", err->line);
            line_add(&line, number);
        }
        if (err->line > 0 && err->column > 0) {
            snprintf(number, sizeof number, ":%d", err->column);
            line_add(&line, number);
        }
        line_add(&line, ": ");
    }
    if (err->path[0]) {
        line_add(&line, err->path);
        line_add(&line, ": ");
    }
    line_add(&line, err->text[0] ? err->text : err_sentence(err->code));
    line_add(&line, " (");
    line_add(&line, err_name(err->code));
    line_add(&line, ")");
    buf[line.used] = '\0';
    return buf;
}
