#include "frontends/onnx_scan.h"

#include <assert.h>
#include <stdbool.h>

enum message {
    DROP, /* left out of the copy */
    KEEP, /* scalar, string, or a message without messages inside: copied as it is */
    PAYLOAD,
    MODEL,
    GRAPH,
    NODE,
    ATTRIBUTE,
    TENSOR,
    SPARSE,
    VALUE_INFO,
    TYPE,
    TYPE_TENSOR,
    TYPE_ELEMENT,
    TYPE_MAP,
    SHAPE,
    FUNCTION,
    MESSAGE_COUNT
};

/* What each field of a message is; fields not named here are dropped. Numbers: onnx.proto. */
#define FIELDS_MAX 26
static const unsigned char fields[MESSAGE_COUNT][FIELDS_MAX] = {
    [MODEL] = { [1] = KEEP, [7] = GRAPH, [8] = KEEP, [25] = FUNCTION },
    [GRAPH] = { [1] = NODE,
                [2] = KEEP,
                [5] = TENSOR,
                [15] = SPARSE,
                [11] = VALUE_INFO,
                [12] = VALUE_INFO,
                [13] = VALUE_INFO },
    [NODE] = { [1] = KEEP, [2] = KEEP, [3] = KEEP, [4] = KEEP, [5] = ATTRIBUTE, [7] = KEEP },
    [ATTRIBUTE] = { [1] = KEEP,
                    [2] = KEEP,
                    [3] = KEEP,
                    [4] = KEEP,
                    [5] = TENSOR,
                    [6] = GRAPH,
                    [7] = KEEP,
                    [8] = KEEP,
                    [9] = KEEP,
                    [10] = TENSOR,
                    [20] = KEEP,
                    [21] = KEEP,
                    [22] = SPARSE },
    [TENSOR] = { [1] = KEEP,
                 [2] = KEEP,
                 [4] = PAYLOAD,
                 [5] = PAYLOAD,
                 [7] = PAYLOAD,
                 [8] = KEEP,
                 [9] = PAYLOAD,
                 [10] = PAYLOAD,
                 [11] = PAYLOAD,
                 [14] = KEEP },
    [SPARSE] = { [1] = TENSOR, [3] = KEEP },
    [VALUE_INFO] = { [1] = KEEP, [2] = TYPE },
    [TYPE] = { [1] = TYPE_TENSOR,
               [4] = TYPE_ELEMENT,
               [5] = TYPE_MAP,
               [8] = TYPE_TENSOR,
               [9] = TYPE_ELEMENT },
    [TYPE_TENSOR] = { [1] = KEEP, [2] = SHAPE },
    [TYPE_ELEMENT] = { [1] = TYPE },
    [TYPE_MAP] = { [1] = KEEP, [2] = TYPE },
    [SHAPE] = { [1] = KEEP },
    [FUNCTION] = { [1] = KEEP,
                   [4] = KEEP,
                   [5] = KEEP,
                   [6] = KEEP,
                   [7] = NODE,
                   [9] = KEEP,
                   [10] = KEEP },
};

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct level {
    enum message message;
    size_t end;       /* in the file */
    size_t length_at; /* in the copy: where the length goes once it is known */
};

struct scan {
    const uint8_t *bytes;
    size_t at;
    struct text *out;
    struct err *err;
    struct level level[ONNX_DEPTH_MAX + 1];
    size_t depth, messages;
};

static bool fail(struct scan *scan, enum err_code code, const char *what)
{
    err_set(scan->err, code, "at byte %zu: %s", scan->at, what);
    return false;
}

static bool read_varint(struct scan *scan, size_t end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (scan->at >= end)
            return fail(scan, ERR_SYNTAX, "a number ends too early; is the file cut off?");
        uint8_t byte = scan->bytes[scan->at++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return fail(scan, ERR_SYNTAX, "a number has more than ten bytes");
}

#define LENGTH_BYTES 5

/* Lengths of messages are not known when they begin: five bytes, whatever the value. */
static void patch_length(struct scan *scan, size_t at)
{
    size_t value = scan->out->bytes - at - LENGTH_BYTES;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        scan->out->data[at + i] =
            (char)((value >> 7 * i & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}

static bool keep(struct scan *scan, size_t from)
{
    text_add_bytes(scan->out, (const char *)scan->bytes + from, scan->at - from);
    if (scan->out->bytes > ONNX_KEPT_MAX)
        return fail(scan, ERR_LIMIT, "the graph without its weights is larger than 64 MiB");
    return true;
}

static bool enter(struct scan *scan, enum message message, size_t tag_from, size_t tag_end,
                  size_t end)
{
    if (scan->depth == ONNX_DEPTH_MAX)
        return fail(scan, ERR_LIMIT, "messages are nested more than 64 deep");
    if (++scan->messages > ONNX_MESSAGES_MAX)
        return fail(scan, ERR_LIMIT, "expected at most 2,000,000 nodes, tensors and attributes");
    text_add_bytes(scan->out, (const char *)scan->bytes + tag_from, tag_end - tag_from);
    scan->level[++scan->depth] = (struct level){ message, end, scan->out->bytes };
    text_add_bytes(scan->out, "\0\0\0\0\0", LENGTH_BYTES);
    return true;
}

static bool skip_bytes(struct scan *scan, uint64_t count, size_t end)
{
    if (count > end - scan->at)
        return fail(scan, ERR_SYNTAX, "a field is longer than what it is in");
    scan->at += (size_t)count;
    return true;
}

static bool scan_field(struct scan *scan)
{
    const struct level *level = &scan->level[scan->depth];
    size_t from = scan->at, end = level->end;
    uint64_t tag, value;
    if (!read_varint(scan, end, &tag))
        return false;
    size_t tag_end = scan->at;
    uint64_t number = tag >> 3;
    enum message what = number < FIELDS_MAX ? (enum message)fields[level->message][number] : DROP;
    if (number == 0)
        return fail(scan, ERR_SYNTAX, "field number 0; is this an ONNX file?");
    switch (tag & 7) {
    case WIRE_VARINT:
        return read_varint(scan, end, &value) && (what == DROP || keep(scan, from));
    case WIRE_64:
        return skip_bytes(scan, 8, end) && (what == DROP || keep(scan, from));
    case WIRE_32:
        return skip_bytes(scan, 4, end) && (what == DROP || keep(scan, from));
    case WIRE_BYTES:
        if (!read_varint(scan, end, &value))
            return false;
        if (what < MODEL || value > end - scan->at)
            return skip_bytes(scan, value, end) &&
                   (what == DROP || (what == PAYLOAD && value > ONNX_PAYLOAD_MAX) ||
                    keep(scan, from));
        return enter(scan, what, from, tag_end, scan->at + (size_t)value);
    default:
        return fail(scan, ERR_SYNTAX, "unknown kind of field; is this an ONNX file?");
    }
}

enum err_code onnx_scan(const uint8_t *bytes, size_t count, struct text *out, struct err *err)
{
    struct scan scan = { .bytes = bytes, .out = out, .err = err };
    scan.level[0] = (struct level){ MODEL, count, 0 };
    text_add_bytes(out, "", 0);
    for (;;) {
        while (scan.depth > 0 && scan.at == scan.level[scan.depth].end)
            patch_length(&scan, scan.level[scan.depth--].length_at);
        if (scan.depth == 0 && scan.at == count)
            return ERR_OK;
        if (!scan_field(&scan))
            return err->code;
    }
}
