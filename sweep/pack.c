#include "sweep/pack.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/arena.h"

void sweep_text_pack(struct text *text)
{
    if (text->bytes == 0 || sweep_text_is_packed(text))
        return;
    uLongf bytes = compressBound(text->bytes);
    char *packed = (char *)mem_alloc(bytes + 1, 1);
    if (compress2((Bytef *)packed, &bytes, (const Bytef *)text->data, text->bytes, 6) == Z_OK) {
        text->bytes = 0;
        text_add_bytes(text, packed, bytes);
    }
    free(packed);
}

enum err_code sweep_text_unpack(struct text *text, struct err *err)
{
    char piece[65536];
    struct text plain = { 0 };
    if (!sweep_text_is_packed(text))
        return ERR_OK;
    z_stream stream = { .next_in = (Bytef *)text->data, .avail_in = (uInt)text->bytes };
    int rc = inflateInit(&stream);
    while (rc == Z_OK) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof piece;
        rc = inflate(&stream, Z_NO_FLUSH);
        text_add_bytes(&plain, piece, sizeof piece - stream.avail_out);
    }
    inflateEnd(&stream);
    if (rc != Z_STREAM_END) {
        text_release(&plain);
        return err_set(err, ERR_SYNTAX, "a packed mapping is damaged");
    }
    text_release(text);
    *text = plain;
    return ERR_OK;
}
