#include "tests/model/cuda_model.h"

#include <math.h>
#include <string.h>

/* PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type" and "… m16n8k32". A lane
 * belongs to group lane / 4 and is number lane % 4 in it. A register holds 4 bytes of neighbouring
 * columns of A; registers 0 and 2 are of the row `group`, 1 and 3 of `group + 8`; registers 2 and
 * 3 are of the second half of k. */
struct model_at model_mma_a(unsigned element_bytes, unsigned lane, unsigned e)
{
    unsigned per_register = 4 / element_bytes, half = 16 / element_bytes;
    unsigned reg = e / per_register;
    return (struct model_at){ lane / 4 + (reg == 1 || reg == 3 ? 8 : 0),
                              lane % 4 * per_register + e % per_register + (reg >= 2 ? half : 0) };
}

struct model_at model_mma_b(unsigned element_bytes, unsigned lane, unsigned e)
{
    unsigned per_register = 4 / element_bytes, half = 16 / element_bytes;
    return (struct model_at){
        lane % 4 * per_register + e % per_register + (e >= per_register ? half : 0), lane / 4
    };
}

struct model_at model_mma_c(unsigned lane, unsigned e)
{
    return (struct model_at){ lane / 4 + (e >= 2 ? 8 : 0), 2 * (lane % 4) + (e & 1) };
}

/* PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16", accumulator D: warps take 16 rows
 * each; inside a warp 8 columns are as in mma's C. */
struct model_at model_wgmma_c(unsigned thread, unsigned e)
{
    struct model_at at = model_mma_c(thread % 32, e % 4);
    return (struct model_at){ at.row + 16 * (thread / 32), at.column + 8 * (e / 4) };
}

/* PTX ISA, "ldmatrix": a lane gets two neighbouring 16-bit elements of row lane / 4 of each matrix,
 * of its column lane / 4 with .trans. */
void model_ldmatrix(const uint8_t *shared, const uint32_t addresses[32], bool turned,
                    uint32_t registers[32][4])
{
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned matrix = 0; matrix < 4; matrix++) {
            uint16_t pair[2];
            for (unsigned e = 0; e < 2; e++) {
                unsigned along = 2 * (lane % 4) + e, across = lane / 4;
                unsigned row = turned ? along : across, column = turned ? across : along;
                memcpy(&pair[e], shared + addresses[8 * matrix + row] + 2 * column, 2);
            }
            registers[lane][matrix] = pair[0] | (uint32_t)pair[1] << 16;
        }
}

/* PTX ISA, "Strides" and "Canonical layouts" of wgmma, 128-byte swizzle. Offsets are in 16 bytes.
 * Along k ("K-major"): 8 lines of 128 bytes lie together, the next 8 a stride offset on. Along
 * lines ("MN-major"): 64 lines make 128 bytes and the next 64 are a leading offset on; 8 k lie
 * together, the next 8 a stride offset on. Address bits 4-6 are exclusive-ored with bits 7-9. */
uint32_t model_wgmma_byte(uint64_t descriptor, bool along_lines, unsigned element_bytes,
                          unsigned line, unsigned k)
{
    uint32_t start = (uint32_t)(descriptor & 0x3fff) << 4;
    uint32_t leading = (uint32_t)(descriptor >> 16 & 0x3fff) << 4;
    uint32_t stride = (uint32_t)(descriptor >> 32 & 0x3fff) << 4;
    if (descriptor >> 49 != UINT64_C(1) << 13) /* base offset 0, layout 1 in bits 62-63 */
        return UINT32_MAX;
    uint32_t byte = along_lines
                        ? start + line / 64 * leading + k / 8 * stride + k % 8 * 128 + line % 64 * 2
                        : start + line / 8 * stride + line % 8 * 128 + k * element_bytes;
    return byte ^ (byte >> 7 & 7) << 4;
}

/* PTX ISA, "Tensors", "Tiled mode" and "Swizzling modes"; CUDA driver API,
 * cuTensorMapEncodeTiled(): a box has ⌈box / step⌉ elements of a dimension, the first one fastest;
 * what is outside the tensor becomes zero. 16-byte chunks of a 128-byte row are exchanged by the
 * row's number, both of the shared address: bits 4-6 are exclusive-ored with bits 7-9. */
bool model_tensor_copy(const struct model_tensor *t, const int32_t *where, uint8_t *shared,
                       uint32_t to)
{
    uint32_t count[5], total = 1;
    for (uint32_t d = 0; d < t->rank; d++) {
        count[d] = d == 0 ? t->box[0] : (t->box[d] + t->step[d] - 1) / t->step[d];
        total *= count[d];
    }
    for (uint32_t element = 0; element < total; element++) {
        uint32_t rest = element;
        uint64_t offset = 0;
        bool inside = true;
        for (uint32_t d = 0; d < t->rank; d++) {
            int64_t at = where[d] + (int64_t)(rest % count[d]) * (d == 0 ? 1 : t->step[d]);
            rest /= count[d];
            inside = inside && at >= 0 && (uint64_t)at < t->extent[d];
            offset += (uint64_t)at * (d == 0 ? t->element_bytes : t->stride_bytes[d - 1]);
        }
        uint32_t byte = to + element * t->element_bytes;
        byte ^= (byte >> 7 & 7) << 4;
        if (inside && offset + t->element_bytes > t->bytes)
            return false;
        if (inside)
            memcpy(shared + byte, (const uint8_t *)t->data + offset, t->element_bytes);
        else
            memset(shared + byte, 0, t->element_bytes);
    }
    return true;
}

/* --- elements -------------------------------------------------------------------------------- */

static int32_t whole_of(double value)
{
    return fabs(value) < 1e6 ? (int32_t)value : 1000003;
}

static double f16_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    if (exponent == 31)
        return INFINITY;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
}

static uint16_t f16_bits(int32_t value)
{
    uint16_t sign = value < 0 ? 0x8000 : 0;
    int32_t magnitude = value < 0 ? -value : value;
    if (magnitude == 0)
        return 0;
    int exponent = 0;
    while (magnitude >> (exponent + 1))
        exponent++; /* below 2048: exact */
    return (uint16_t)(sign | (exponent + 15) << 10 | ((magnitude << (10 - exponent)) & 0x3ff));
}

int32_t model_whole(enum dtype type, const void *element)
{
    uint16_t half;
    if (type == DT_U8)
        return *(const uint8_t *)element;
    if (type == DT_S8)
        return *(const int8_t *)element;
    memcpy(&half, element, sizeof half);
    if (type == DT_F16)
        return whole_of(f16_value(half));
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return whole_of((double)value);
}

void model_put_whole(enum dtype type, void *element, int32_t value)
{
    if (type == DT_U8 || type == DT_S8) {
        *(uint8_t *)element = (uint8_t)value;
        return;
    }
    float wide = (float)value; /* below 256: exact in 8 bits */
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    uint16_t half = type == DT_F16 ? f16_bits(value) : (uint16_t)(bits >> 16);
    memcpy(element, &half, sizeof half);
}
