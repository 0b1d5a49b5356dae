#include "backends/element.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- 16-bit floats -------------------------------------------------------------------------- */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float backend_bf16_to_f32(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t backend_f32_to_bf16(float value)
{
    uint32_t bits = bits_of(value);
    if (isnan(value))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float backend_f16_to_f32(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31,
             fraction = bits & 0x3ff;
    if (exponent == 31)
        return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) {
        float small = (float)fraction * 0x1p-24f;
        return sign != 0 ? -small : small;
    }
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Drops the low `shift` bits, to the nearest, ties to even. */
static uint32_t drop_bits(uint32_t value, unsigned shift)
{
    uint32_t half = UINT32_C(1) << (shift - 1);
    return (value + half - 1 + (value >> shift & 1)) >> shift;
}

uint16_t backend_f32_to_f16(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (rest >> 13 & 0x1ff));
    if (rest >= 0x477ff000) /* 65520: rounds to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (rest >= 0x38800000) /* normal: 2^-14 and up */
        return (uint16_t)(sign | drop_bits(rest - (UINT32_C(112) << 23), 13));
    unsigned exponent = rest >> 23;
    if (exponent < 102) /* below half of the smallest */
        return (uint16_t)sign;
    return (uint16_t)(sign | drop_bits((rest & 0x7fffff) | 0x800000, 126 - exponent));
}

/* --- loads ---------------------------------------------------------------------------------- */

bool backend_type_is_float(enum dtype type)
{
    return type == DT_F16 || type == DT_BF16 || type == DT_F32 || type == DT_F64;
}

bool backend_sums_floats(const struct expr *expr)
{
    bool any = false;
    for (size_t t = 1; t < expr->tensor_count; t++)
        any = any || backend_type_is_float(expr->tensors[t].type);
    return any;
}

int64_t backend_load_int(enum dtype type, const void *data, size_t index)
{
    switch (type) {
    case DT_U8:
        return ((const uint8_t *)data)[index];
    case DT_S8:
        return ((const int8_t *)data)[index];
    case DT_S16:
        return ((const int16_t *)data)[index];
    case DT_S32:
        return ((const int32_t *)data)[index];
    default:
        assert(type == DT_S64);
        return ((const int64_t *)data)[index];
    }
}

double backend_load_real(enum dtype type, const void *data, size_t index)
{
    switch (type) {
    case DT_F16:
        return backend_f16_to_f32(((const uint16_t *)data)[index]);
    case DT_BF16:
        return backend_bf16_to_f32(((const uint16_t *)data)[index]);
    case DT_F32:
        return ((const float *)data)[index];
    case DT_F64:
        return ((const double *)data)[index];
    default:
        return (double)backend_load_int(type, data, index);
    }
}

/* --- stores --------------------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void put_int(int64_t value, enum dtype type, void *data, size_t index)
{
    switch (type) {
    case DT_U8:
        ((uint8_t *)data)[index] = (uint8_t)clamp(value, 0, UINT8_MAX);
        break;
    case DT_S8:
        ((int8_t *)data)[index] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
        break;
    case DT_S16:
        ((int16_t *)data)[index] = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
        break;
    case DT_S32:
        ((int32_t *)data)[index] = (int32_t)clamp(value, INT32_MIN, INT32_MAX);
        break;
    default:
        assert(type == DT_S64);
        ((int64_t *)data)[index] = value;
    }
}

static void put_float(float value, enum dtype type, void *data, size_t index)
{
    switch (type) {
    case DT_F16:
        ((uint16_t *)data)[index] = backend_f32_to_f16(value);
        break;
    case DT_BF16:
        ((uint16_t *)data)[index] = backend_f32_to_bf16(value);
        break;
    case DT_F32:
        ((float *)data)[index] = value;
        break;
    default:
        assert(type == DT_F64);
        ((double *)data)[index] = value;
    }
}

/* Half to even; what no 32-bit integer holds saturates, NaN becomes 0. */
static int64_t round_to_int(float value)
{
    if (isnan(value))
        return 0;
    if (value >= 0x1p31f || value <= -0x1p31f)
        return value > 0 ? INT32_MAX : INT32_MIN;
    return lrintf(value);
}

static int32_t zero_point(const struct backend_epilogue *epilogue, enum dtype type)
{
    return epilogue != NULL && (type == DT_U8 || type == DT_S8) ? epilogue->zero_point : 0;
}

/* The float part: from the scale on. */
static void finish_float(const struct backend_epilogue *epilogue, size_t channel, float value,
                         enum dtype type, void *data, size_t index)
{
    if (epilogue != NULL && epilogue->scale != NULL)
        value *= epilogue->scale[channel];
    if (epilogue != NULL && epilogue->relu)
        value = value > 0 ? value : 0;
    if (backend_type_is_float(type))
        put_float(value, type, data, index);
    else
        put_int(round_to_int(value) + zero_point(epilogue, type), type, data, index);
}

void backend_store_int(const struct backend_epilogue *epilogue, size_t channel, int64_t acc,
                       enum dtype type, void *data, size_t index)
{
    bool wide = type == DT_S64;
    int64_t value = wide ? acc : (int32_t)(uint32_t)acc;
    if (epilogue != NULL && epilogue->bias_s32 != NULL) {
        value += epilogue->bias_s32[channel];
        value = wide ? value : (int32_t)(uint32_t)value;
    }
    if (backend_type_is_float(type) || (epilogue != NULL && epilogue->scale != NULL)) {
        finish_float(epilogue, channel, (float)value, type, data, index);
        return;
    }
    if (epilogue != NULL && epilogue->relu && value < 0)
        value = 0;
    put_int(value + zero_point(epilogue, type), type, data, index);
}

void backend_store_real(const struct backend_epilogue *epilogue, size_t channel, double acc,
                        enum dtype type, void *data, size_t index)
{
    if (epilogue == NULL && type == DT_F64) {
        ((double *)data)[index] = acc;
        return;
    }
    float value = (float)acc;
    if (epilogue != NULL && epilogue->bias_f32 != NULL)
        value += epilogue->bias_f32[channel];
    finish_float(epilogue, channel, value, type, data, index);
}

/* --- checks --------------------------------------------------------------------------------- */

enum err_code backend_epilogue_check(const struct backend_job *job, struct err *err)
{
    const struct backend_epilogue *epilogue = job->epilogue;
    if (epilogue == NULL)
        return ERR_OK;
    const struct expr_tensor *out = &job->expr->tensors[0];
    bool per_channel =
        epilogue->bias_s32 != NULL || epilogue->bias_f32 != NULL || epilogue->scale != NULL;
    if (per_channel && epilogue->channel_dim >= out->dim_count)
        return err_set(err, ERR_RANGE, "epilogue: %s has %zu dimensions, channels are along %zu",
                       out->name, out->dim_count, epilogue->channel_dim);
    if (backend_sums_floats(job->expr) ? epilogue->bias_s32 != NULL : epilogue->bias_f32 != NULL)
        return err_set(err, ERR_TYPE, "epilogue: the bias has not the accumulators' type");
    bool eight_bits =
        epilogue->converts && (epilogue->to_type == DT_U8 || epilogue->to_type == DT_S8);
    if (epilogue->zero_point != 0 && !eight_bits)
        return err_set(err, ERR_VALUE, "epilogue: a zero point needs an output of u8 or s8");
    return ERR_OK;
}
