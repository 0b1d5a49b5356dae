/* Levers of the default mapper by name. */
#include <string.h>

#include "cli/levers.h"
#include "core/text.h"
#include "mapper/mapper.h"

enum err_code cli_find_lever(const char *name, unsigned *levers_off, struct err *err)
{
    for (unsigned i = 0; i < MAPPER_LEVER_COUNT; i++)
        if (!strcmp(mapper_lever_names[i], name)) {
            *levers_off |= 1u << i;
            return ERR_OK;
        }
    struct text list = { 0 };
    for (unsigned i = 0; i < MAPPER_LEVER_COUNT; i++)
        text_printf(&list, "%s%s", i ? ", " : "", mapper_lever_names[i]);
    enum err_code rc =
        err_set(err, ERR_USAGE, "--without: expected one of %s, got \"%s\"", list.data, name);
    text_release(&list);
    return rc;
}
