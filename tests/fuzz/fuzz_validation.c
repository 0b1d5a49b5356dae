/* validate/1 files: any bytes are an error, or a page, and what is written of them reads back. */
#include <assert.h>

#include "core/arena.h"
#include "reports/validation.h"
#include "tests/fuzz/fuzz_file.h"

static void check(const struct report_validation *validation, struct arena *arena)
{
    struct report_validation again;
    struct err err = ERR_INIT;
    struct text text = { 0 }, html = { 0 };
    int fd;
    report_validation_html(validation, 1, &html);
    report_validation_json(validation, &text);
    const char *name = fuzz_file((const uint8_t *)text.data, text.bytes, &fd);
    assert(report_validation_load(&again, name, arena, &err) == ERR_OK);
    assert(again.count == validation->count);
    close(fd);
    text_release(&text);
    text_release(&html);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct report_validation validation;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (report_validation_load(&validation, name, arena, &err) == ERR_OK)
        check(&validation, arena);
    else
        assert(err_format(&err, line, sizeof line)[0]);
    close(fd);
    arena_free(arena);
    return 0;
}
