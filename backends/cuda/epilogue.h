/*
 * From an accumulator to what is stored: bias, scale, relu, rounding, as backends/backend.h defines
 * them and backends/element.h executes them. Integers wrap at 32 bits until a scale; the float
 * steps are single roundings in a fixed order, so host and device agree to the bit.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_EPILOGUE_H
#define SOCWEAVE_BACKENDS_CUDA_EPILOGUE_H

#include <math.h>
#include <string.h>

#include "backends/cuda/index.h"

CUDA_INLINE uint32_t cuda_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
CUDA_INLINE float cuda_bits_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Round half to even; NaN stays a quiet NaN. */
CUDA_INLINE uint16_t cuda_bf16_of(float x)
{
    uint32_t bits = cuda_float_bits(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Round half to even, with subnormals; past 65504 by half a step or more: infinity. */
CUDA_INLINE uint16_t cuda_f16_of(float x)
{
    uint32_t bits = cuda_float_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* subnormal: adding 2^-1 leaves the rounded bits at the end */
        uint32_t shifted = cuda_float_bits(cuda_bits_float(magnitude) + 0.5f);
        return (uint16_t)(sign | (shifted - 0x3f000000));
    }
    return (uint16_t)(sign | ((magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13));
}

/* An accumulator on its way: 32 bits that wrap, until a scale or a float type makes it a float. */
struct cuda_value {
    bool is_float;
    int32_t i;
    float f;
};

/* Half to even; what no 32-bit integer holds saturates, NaN becomes 0. */
CUDA_INLINE int64_t cuda_rounded(float x)
{
    if (x != x)
        return 0;
    return x >= 2147483648.0f ? INT32_MAX : x <= -2147483648.0f ? INT32_MIN : (int64_t)rintf(x);
}

/* What an integer type stores: the zero point added, saturated. */
CUDA_INLINE int64_t cuda_quantised(const struct cuda_value *x, int32_t zero_point, int64_t low,
                                   int64_t high)
{
    int64_t whole = (x->is_float ? cuda_rounded(x->f) : x->i) + zero_point;
    return whole < low ? low : whole > high ? high : whole;
}

CUDA_INLINE struct cuda_value cuda_finish(const struct cuda_epilogue *e, struct cuda_value x,
                                          uint32_t channel)
{
    if (x.is_float && e->bias_f32 != NULL)
        x.f += e->bias_f32[channel];
    if (!x.is_float && e->bias_s32 != NULL)
        x.i = (int32_t)((uint32_t)x.i + (uint32_t)e->bias_s32[channel]);
    if (!x.is_float && (e->scale != NULL || e->stores_float)) {
        x.f = (float)x.i;
        x.is_float = true;
    }
    if (e->scale != NULL)
        x.f *= e->scale[channel];
    if (e->relu) {
        x.f = x.f > 0 ? x.f : 0;
        x.i = x.i > 0 ? x.i : 0;
    }
    return x;
}

CUDA_INLINE void cuda_store(const struct cuda_params *p, struct cuda_value x, struct cuda_result at)
{
    if (at.offset < 0)
        return;
    const struct cuda_epilogue *e = &p->epilogue;
    x = cuda_finish(e, x, at.channel);
    switch (e->type) {
    case DT_F32:
        ((float *)p->c)[at.offset] = x.f;
        break;
    case DT_F16:
        ((uint16_t *)p->c)[at.offset] = cuda_f16_of(x.f);
        break;
    case DT_BF16:
        ((uint16_t *)p->c)[at.offset] = cuda_bf16_of(x.f);
        break;
    case DT_U8:
        ((uint8_t *)p->c)[at.offset] = (uint8_t)cuda_quantised(&x, e->zero_point, 0, UINT8_MAX);
        break;
    case DT_S8:
        ((int8_t *)p->c)[at.offset] = (int8_t)cuda_quantised(&x, e->zero_point, INT8_MIN, INT8_MAX);
        break;
    case DT_S16:
        ((int16_t *)p->c)[at.offset] = (int16_t)cuda_quantised(&x, 0, INT16_MIN, INT16_MAX);
        break;
    case DT_S32:
        ((int32_t *)p->c)[at.offset] = (int32_t)cuda_quantised(&x, 0, INT32_MIN, INT32_MAX);
        break;
    default: /* f64: cuda_problem_init() takes no other */
        ((double *)p->c)[at.offset] = (double)x.f;
    }
}

/* An accumulator, as it comes out of the instructions or of the partial sums. */
CUDA_INLINE struct cuda_value cuda_value_s32(int32_t acc)
{
    struct cuda_value x = { false, acc, 0 };
    return x;
}
CUDA_INLINE struct cuda_value cuda_value_f32(float acc)
{
    struct cuda_value x = { true, 0, acc };
    return x;
}

/* Keeps an accumulator of one split, or finishes and stores it. */
CUDA_INLINE void cuda_deliver_s32(const struct cuda_params *p, const struct cuda_block *block,
                                  uint32_t i, uint32_t j, int32_t acc)
{
    if (p->partial == NULL)
        cuda_store(p, cuda_value_s32(acc), cuda_result_at(p, block->z, i, j));
    else if (i < p->m && j < p->n)
        ((int32_t *)p->partial)[cuda_partial_at(p, block->split, block->z, i, j)] = acc;
}
CUDA_INLINE void cuda_deliver_f32(const struct cuda_params *p, const struct cuda_block *block,
                                  uint32_t i, uint32_t j, float acc)
{
    if (p->partial == NULL)
        cuda_store(p, cuda_value_f32(acc), cuda_result_at(p, block->z, i, j));
    else if (i < p->m && j < p->n)
        ((float *)p->partial)[cuda_partial_at(p, block->split, block->z, i, j)] = acc;
}

/* Two accumulators that are neighbours, as they are: 8 bytes at once. */
struct cuda_pair {
    uint32_t first, second;
} __attribute__((aligned(8), may_alias));

CUDA_INLINE bool cuda_is_plain(const struct cuda_params *p)
{
    return p->partial != NULL ? p->n % 2 == 0 : p->plain_stride > 0;
}
CUDA_INLINE void cuda_deliver_pair(const struct cuda_params *p, const struct cuda_block *block,
                                   uint32_t i, uint32_t j, struct cuda_pair pair)
{
    if (i >= p->m || j >= p->n)
        return;
    uint64_t at = cuda_plain_at(p, block, i, j);
    struct cuda_pair *to =
        (struct cuda_pair *)((uint32_t *)(p->partial != NULL ? p->partial : p->c) + at);
    *to = pair;
}

/* Adds the splits in their order, finishes and stores: thread t of z · m · n. */
CUDA_INLINE void cuda_reduce(const struct cuda_params *p, bool is_float, uint64_t t)
{
    uint32_t j = (uint32_t)(t % p->n), i = (uint32_t)(t / p->n % p->m);
    uint32_t z = (uint32_t)(t / p->n / p->m);
    uint32_t sum_s32 = 0; /* wraps as the accumulators do */
    float sum_f32 = 0;
    for (uint32_t split = 0; split < p->split; split++) {
        uint64_t at = cuda_partial_at(p, split, z, i, j);
        if (is_float)
            sum_f32 += ((const float *)p->partial)[at];
        else
            sum_s32 += ((const uint32_t *)p->partial)[at];
    }
    cuda_store(p, is_float ? cuda_value_f32(sum_f32) : cuda_value_s32((int32_t)sum_s32),
               cuda_result_at(p, z, i, j));
}

#endif
