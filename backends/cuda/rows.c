#include "backends/cuda/rows.h"

#include "backends/cuda/barrier.h"
#include "backends/cuda/fragment.h"
#include "intrinsics/intrin.h"

/* clang-format off */
#define WARPS(bm, bn, wm, wn) ((bm) / (wm) * ((bn) / (wn)))
#define MMA_ROW(label, a, b, k_, bm, bn, wm, wn)                                                   \
    { "mma_" label "_" #bm "x" #bn, CUDA_MMA, a, b, 16, 8, k_, bm, bn, wm, wn,                     \
      32 * WARPS(bm, bn, wm, wn), (bn) == 256 ? 255 : 128 },
#define WMMA_ROW(label, type, m, n)                                                                \
    { "wmma_" label "_m" #m "n" #n, CUDA_WMMA, type, type, m, n, 16, 64, 64, 32, 32, 128, 128 },
#define WGMMA_ROW(label, a, b, k_, bn)                                                             \
    { "wgmma_tma_" label "_128x" #bn, CUDA_WGMMA_TMA, a, b, 64, bn, k_, 128, bn, 64, bn, 384, 168 }, \
    { "wgmma_" label "_128x" #bn, CUDA_WGMMA, a, b, 64, bn, k_, 128, bn, 64, bn, 384, 168 },

#define F16_MMA(bm, bn, wm, wn)  MMA_ROW("f16", DT_F16, DT_F16, 16, bm, bn, wm, wn)
#define BF16_MMA(bm, bn, wm, wn) MMA_ROW("bf16", DT_BF16, DT_BF16, 16, bm, bn, wm, wn)
#define S8_MMA(bm, bn, wm, wn)   MMA_ROW("s8", DT_S8, DT_S8, 32, bm, bn, wm, wn)
#define U8S8_MMA(bm, bn, wm, wn) MMA_ROW("u8s8", DT_U8, DT_S8, 32, bm, bn, wm, wn)
#define F16_WMMA(m, n)           WMMA_ROW("f16", DT_F16, m, n)
#define BF16_WMMA(m, n)          WMMA_ROW("bf16", DT_BF16, m, n)
#define S8_WMMA(m, n)            WMMA_ROW("s8", DT_S8, m, n)
#define U8_WMMA(m, n)            WMMA_ROW("u8", DT_U8, m, n)
#define F16_WGMMA(bn)            WGMMA_ROW("f16", DT_F16, DT_F16, 16, bn)
#define BF16_WGMMA(bn)           WGMMA_ROW("bf16", DT_BF16, DT_BF16, 16, bn)
#define S8_WGMMA(bn)             WGMMA_ROW("s8", DT_S8, DT_S8, 32, bn)
#define U8S8_WGMMA(bn)           WGMMA_ROW("u8s8", DT_U8, DT_S8, 32, bn)

const struct cuda_row cuda_rows[] = {
    CUDA_MMA_TILES(F16_MMA) CUDA_MMA_TILES(BF16_MMA) CUDA_MMA_TILES(S8_MMA) CUDA_MMA_TILES(U8S8_MMA)
    CUDA_WMMA_SHAPES(F16_WMMA) CUDA_WMMA_SHAPES(BF16_WMMA) CUDA_WMMA_SHAPES(S8_WMMA)
    CUDA_WMMA_SHAPES(U8_WMMA)
    CUDA_WGMMA_TILES(F16_WGMMA) CUDA_WGMMA_TILES(BF16_WGMMA) CUDA_WGMMA_TILES(S8_WGMMA)
    CUDA_WGMMA_TILES(U8S8_WGMMA)
};
/* clang-format on */
const size_t cuda_row_count = sizeof cuda_rows / sizeof *cuda_rows;

static uint32_t tile_bytes(const struct cuda_row *row, uint32_t lines)
{
    return row->engine == CUDA_WMMA ? cuda_panel_tile_bytes(dtype_bytes(row->type_a), lines)
                                    : lines * CUDA_ROW_BYTES;
}

uint32_t cuda_row_stage_bytes(const struct cuda_row *row)
{
    return tile_bytes(row, row->block_m) + tile_bytes(row, row->block_n);
}

bool cuda_row_stays(const struct cuda_row *row)
{
    return row->engine == CUDA_WGMMA || row->engine == CUDA_WGMMA_TMA;
}

uint32_t cuda_row_shared_bytes(const struct cuda_row *row, uint32_t stages)
{
    uint32_t bytes = stages * cuda_row_stage_bytes(row);
    if (cuda_row_stays(
            row)) /* results on their way, barriers; and tiles start at a multiple of 1024 */
        return bytes + cuda_wgmma_scratch_bytes(row->block_m) + cuda_barrier_at(CUDA_FULL, stages) +
               1024;
    if (row->engine == CUDA_MMA) /* results go through the stages in parts that always fit */
        return bytes + 1024;
    uint32_t scratch = row->block_m * row->block_n * 4; /* wmma: all at once */
    return bytes > scratch ? bytes : scratch;
}

bool cuda_row_takes(const struct cuda_row *row, bool a_along_lines, bool b_along_lines)
{
    if (row->engine == CUDA_WMMA)
        return !a_along_lines && !b_along_lines;
    uint32_t panel = CUDA_ROW_BYTES / dtype_bytes(row->type_a);
    bool turns = dtype_bytes(row->type_a) == 2;
    return (!a_along_lines || (turns && row->block_m % panel == 0)) &&
           (!b_along_lines || (turns && row->block_n % panel == 0));
}

bool cuda_row_is_of(const struct cuda_row *row, const struct intrin *intrin)
{
    const struct expr *expr = &intrin->expr;
    if (expr->iter_count != 3 || expr->tensors[1].type != row->type_a ||
        expr->tensors[2].type != row->type_b)
        return false;
    bool is_float = dtype_bytes(row->type_a) == 2;
    if (expr->tensors[0].type != (is_float ? DT_F32 : DT_S32))
        return false;
    /* A smaller wgmma serves the widest one's plans: tables do not depend on its n. */
    uint32_t n = cuda_row_stays(row) ? 256 : row->n;
    return expr->iters[0].extent == row->m && expr->iters[1].extent == n &&
           expr->iters[2].extent == row->k;
}
