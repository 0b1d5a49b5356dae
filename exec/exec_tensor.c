#include "exec/exec_tensor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/rng.h"

#define ALIGNMENT   64
#define GUARD_BYTES 64
#define POISON      0xA5
#define BYTES_MAX   ((uint64_t)2 << 30)

static bool is_float(enum dtype type)
{
    return type == DT_F16 || type == DT_BF16 || type == DT_F32 || type == DT_F64;
}

/* --- life ------------------------------------------------------------------------------------- */

void exec_tensor_init(struct exec_tensor *tensor, enum dtype type, size_t elements)
{
    size_t bytes = elements * dtype_bytes(type);
    size_t whole = ALIGNMENT + GUARD_BYTES + bytes + GUARD_BYTES;
    unsigned char *block = mem_alloc(1, whole);
    unsigned char *data = block + GUARD_BYTES;
    data += (ALIGNMENT - (uintptr_t)data % ALIGNMENT) % ALIGNMENT;
    memset(data - GUARD_BYTES, POISON, GUARD_BYTES);
    memset(data + bytes, POISON, GUARD_BYTES);
    *tensor = (struct exec_tensor){ type, elements, bytes, data, block };
}

enum err_code exec_tensor_of(struct exec_tensor *tensor, const struct expr *expr, size_t which,
                             struct err *err)
{
    uint64_t elements;
    enum dtype type = expr->tensors[which].type;
    if (expr_elements(expr, which, &elements, err) != ERR_OK)
        return err->code;
    if (elements > BYTES_MAX / dtype_bytes(type))
        return err_set(err, ERR_LIMIT, "tensor %s has more than 2 GiB", expr->tensors[which].name);
    exec_tensor_init(tensor, type, elements);
    return ERR_OK;
}

void exec_tensor_release(struct exec_tensor *tensor)
{
    free(tensor->block);
    *tensor = (struct exec_tensor){ 0 };
}

bool exec_tensor_guards_hold(const struct exec_tensor *tensor)
{
    const unsigned char *before = (const unsigned char *)tensor->data - GUARD_BYTES;
    const unsigned char *after = (const unsigned char *)tensor->data + tensor->bytes;
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (before[i] != POISON || after[i] != POISON)
            return false;
    return true;
}

/* --- elements --------------------------------------------------------------------------------- */

static float f16_to_f32(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value;
    if (exponent == 31)
        value = fraction ? NAN : INFINITY;
    else if (exponent == 0)
        value = ldexpf((float)fraction, -24);
    else
        value = ldexpf((float)(fraction + 1024), exponent - 25);
    return bits >> 15 ? -value : value;
}

/* |value| <= 1, a multiple of 2^-10: exact. */
static uint16_t f16_of(float value)
{
    unsigned magnitude = (unsigned)ldexpf(fabsf(value), 10), sign = value < 0 ? 1u << 15 : 0;
    if (magnitude == 0)
        return 0;
    unsigned top = 31 - (unsigned)__builtin_clz(magnitude);
    unsigned fraction = (magnitude << (10 - top)) & 1023;
    return (uint16_t)(sign | (top + 5) << 10 | fraction);
}

static float bf16_to_f32(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static uint16_t bf16_of(float exact)
{
    uint32_t wide;
    memcpy(&wide, &exact, sizeof wide);
    return (uint16_t)(wide >> 16);
}

double exec_tensor_get(const struct exec_tensor *t, size_t i)
{
    switch (t->type) {
    case DT_U8:
        return ((const uint8_t *)t->data)[i];
    case DT_S8:
        return ((const int8_t *)t->data)[i];
    case DT_S16:
        return ((const int16_t *)t->data)[i];
    case DT_S32:
        return ((const int32_t *)t->data)[i];
    case DT_S64:
        return (double)((const int64_t *)t->data)[i];
    case DT_F16:
        return (double)f16_to_f32(((const uint16_t *)t->data)[i]);
    case DT_BF16:
        return (double)bf16_to_f32(((const uint16_t *)t->data)[i]);
    case DT_F32:
        return (double)((const float *)t->data)[i];
    default:
        assert(t->type == DT_F64);
        return ((const double *)t->data)[i];
    }
}

void exec_tensor_absolute(struct exec_tensor *t)
{
    unsigned width = dtype_bytes(t->type);
    assert(is_float(t->type));
    unsigned char *top = (unsigned char *)t->data + width - 1; /* little endian */
    for (size_t i = 0; i < t->elements; i++)
        top[i * width] &= 0x7F;
}

/* --- random data ------------------------------------------------------------------------------ */

/* FNV-1a, as much of it as names a stream. */
static uint64_t stream_of(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return hash >> 16;
}

/* Bits by which both factors of integer products are narrowed. Docs: docs/model.md M-115. */
static unsigned narrowing(uint64_t terms)
{
    unsigned narrow = 0;
    while (narrow < 7 && terms > UINT64_C(65536) << 2 * narrow)
        narrow++;
    return narrow;
}

/* Fraction bits of floats whose sums of products are exact. Docs: docs/model.md M-117. */
static int short_fraction(uint64_t terms)
{
    int bits = 4;
    while (bits > 0 && terms > UINT64_C(1) << (24 - 2 * bits))
        bits--;
    return bits;
}

static int full_fraction(enum dtype type)
{
    return type == DT_BF16 ? 7 : type == DT_F16 ? 10 : 23;
}

/* A multiple of 2^-fraction in [-1, 1). */
static void put_float(struct exec_tensor *t, size_t i, uint32_t bits, int fraction)
{
    int whole = 1 << fraction;
    double value = ldexp((int)(bits & (2 * (uint32_t)whole - 1)) - whole, -fraction);
    if (t->type == DT_F16)
        ((uint16_t *)t->data)[i] = f16_of((float)value);
    else if (t->type == DT_BF16)
        ((uint16_t *)t->data)[i] = bf16_of((float)value);
    else if (t->type == DT_F32)
        ((float *)t->data)[i] = (float)value;
    else
        ((double *)t->data)[i] = value;
}

static void put_integer(struct exec_tensor *t, size_t i, int value)
{
    if (t->type == DT_S16)
        ((int16_t *)t->data)[i] = (int16_t)value;
    else if (t->type == DT_S32)
        ((int32_t *)t->data)[i] = value;
    else
        ((int64_t *)t->data)[i] = value;
}

/* Four bytes of every word: most data are bytes. */
static void fill_bytes(struct exec_tensor *t, struct rng *rng, unsigned narrow)
{
    uint8_t *data = t->data;
    uint8_t low = t->type == DT_S8 ? (uint8_t)(128 >> narrow) : 0;
    for (size_t i = 0; i < t->elements; i += 4) {
        uint32_t bits = rng_u32(rng);
        for (size_t b = 0; b < 4 && i + b < t->elements; b++)
            data[i + b] = (uint8_t)(((bits >> 8 * b & 255) >> narrow) - low);
    }
}

void exec_tensor_fill(struct exec_tensor *tensor, const struct exec_random *random,
                      unsigned operand)
{
    struct rng rng = rng_stream(random->seed, stream_of(random->name), operand);
    unsigned narrow = narrowing(random->terms);
    int fraction = random->exact_sums ? short_fraction(random->terms) : full_fraction(tensor->type);
    if (tensor->type == DT_U8 || tensor->type == DT_S8) {
        fill_bytes(tensor, &rng, narrow);
        return;
    }
    for (size_t i = 0; i < tensor->elements; i++) {
        uint32_t bits = rng_u32(&rng);
        if (is_float(tensor->type))
            put_float(tensor, i, bits, fraction);
        else
            put_integer(tensor, i, (int)((bits & 255) >> narrow) - (128 >> narrow));
    }
}

void exec_tensor_poison(struct exec_tensor *tensor)
{
    memset(tensor->data, is_float(tensor->type) ? 0xFF : POISON, tensor->bytes);
}

/* --- comparison ------------------------------------------------------------------------------- */

/* Bits of the significand, the hidden one included. */
static int precision_of(enum dtype type)
{
    return type == DT_F16 ? 11 : type == DT_BF16 ? 8 : type == DT_F32 ? 24 : 53;
}

/*
 * Every product of two inputs is exact in f32 (f16, bf16) or loses as much as an addition does
 * (f32). Each of the `terms` steps is off by at most 2^-23 of the sum of absolute values, whether
 * it rounds to nearest or cuts off, on both sides of the comparison; M-116.
 */
double exec_float_bound(enum dtype type, uint64_t terms, double absolute_sum)
{
    double steps = 2.0 * (double)terms * ldexp(1, -23);
    double gamma = steps < 0.5 ? steps / (1 - steps) : 1;
    double stored = type == DT_F32 || type == DT_F64 ? 0 : 2 * ldexp(1, -precision_of(type));
    return 2 * gamma * absolute_sum + stored * absolute_sum + (double)terms * ldexp(1, -126);
}

static void note_wrong(struct exec_difference *out, size_t i, double expected, double got)
{
    if (out->wrong++ > 0)
        return;
    out->first = i;
    out->expected = expected;
    out->got = got;
}

void exec_tensor_compare(const struct exec_tensor *got, const struct exec_tensor *truth,
                         const struct exec_tensor *absolute, uint64_t terms,
                         struct exec_difference *out)
{
    assert(got->elements == truth->elements && got->type == truth->type);
    *out = (struct exec_difference){ 0 };
    bool floats = absolute != NULL;
    if (!floats && memcmp(got->data, truth->data, got->bytes) == 0)
        return;
    for (size_t i = 0; i < got->elements; i++) {
        double expected = exec_tensor_get(truth, i), value = exec_tensor_get(got, i);
        if (!floats) {
            if (expected != value)
                note_wrong(out, i, expected, value);
            continue;
        }
        double bound = exec_float_bound(got->type, terms, exec_tensor_get(absolute, i));
        double frac = fabs(value - expected) / bound;
        if (!(frac <= 1)) /* NaN is wrong, too */
            note_wrong(out, i, expected, value);
        if (frac > out->worst_frac)
            out->worst_frac = frac;
    }
}
