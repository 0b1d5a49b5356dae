/* A row of sums becomes a row of 8-bit integers, as backend_store_int() does it for each. */
#include <immintrin.h>

#include "backends/cpu/kernel.h"

void kernel_finish_avx512(const struct kernel_finish *f)
{
    const __m512 most = _mm512_set1_ps(1e9F), least = _mm512_set1_ps(-1e9F);
    const __m512i zero = _mm512_set1_epi32(f->zero_point);
    for (size_t i = 0; i < f->count; i += KERNEL_LANES) {
        size_t left = f->count - i;
        __mmask16 lanes = left < KERNEL_LANES ? (__mmask16)((1u << left) - 1) : 0xffff;
        __m512i sums = _mm512_maskz_loadu_epi32(lanes, f->sums + i);
        if (f->bias != NULL)
            sums = _mm512_add_epi32(sums, _mm512_maskz_loadu_epi32(lanes, f->bias + i));
        __m512 value =
            _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_maskz_loadu_ps(lanes, f->scale + i));
        value = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(value, value, _CMP_ORD_Q), value);
        value = _mm512_max_ps(value, f->relu ? _mm512_setzero_ps() : least);
        sums = _mm512_cvtps_epi32(_mm512_min_ps(value, most));
        sums = _mm512_add_epi32(sums, zero);
        if (f->is_signed) {
            _mm512_mask_cvtsepi32_storeu_epi8(f->out + i, lanes, sums);
        } else {
            sums = _mm512_max_epi32(sums, _mm512_setzero_si512());
            _mm512_mask_cvtusepi32_storeu_epi8(f->out + i, lanes, sums);
        }
    }
}
