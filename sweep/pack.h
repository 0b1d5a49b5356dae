/*
 * Mappings are kept and sent as zlib streams, a tenth of their text. What starts with '{', or is
 * empty, is taken as text.
 */
#ifndef SOCWEAVE_SWEEP_PACK_H
#define SOCWEAVE_SWEEP_PACK_H

#include "core/err.h"
#include "core/text.h"

/* In place. Text that is packed already, or empty, stays. */
void sweep_text_pack(struct text *text);
/* In place; ERR_SYNTAX: a damaged stream, and nothing has changed. */
enum err_code sweep_text_unpack(struct text *text, struct err *err);
static inline bool sweep_text_is_packed(const struct text *text)
{
    return text->bytes > 0 && text->data[0] == 0x78; /* of a zlib stream */
}

#endif
