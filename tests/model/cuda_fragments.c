/*
 * Fragments: the kernels' lane maps against the instruction's description, and both against the
 * layouts of the intrinsics' table.
 */
#include <string.h>

#include "backends/cuda/barrier.h"
#include "backends/cuda/fragment.h"
#include "backends/cuda/rows.h"
#include "intrinsics/intrin.h"
#include "tests/model/cuda_model.h"
#include "tests/test.h"

/* Place indices (lane, register, element) of an element's number in the lane. */
static void check_layout(const char *name, size_t operand,
                         struct model_at (*at)(unsigned bytes, unsigned lane, unsigned e),
                         unsigned bytes, size_t row_axis, size_t column_axis)
{
    struct intrin intrin;
    struct intrin_layout layout;
    CHECK_OK(intrin_find(name, &intrin, err));
    CHECK_OK(intrin_layout_parse(&intrin, operand, &layout, err));
    CHECK_INT(3, layout.place_count);
    CHECK_INT(32, layout.places[0].extent);
    unsigned per_register = layout.places[2].extent;
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < layout.places[1].extent * per_register; e++) {
            uint32_t place[INTRIN_PLACES_MAX] = { lane, e / per_register, e % per_register };
            int64_t coordinates[INTRIN_AXES_MAX];
            intrin_layout_at(&layout, place, coordinates);
            struct model_at got = at(bytes, lane, e);
            CHECK_INT(coordinates[row_axis], got.row);
            CHECK_INT(coordinates[column_axis], got.column);
        }
    intrin_release(&intrin);
}

static struct model_at mma_c(unsigned bytes, unsigned lane, unsigned e)
{
    (void)bytes;
    return model_mma_c(lane, e);
}

static const struct {
    const char *name;
    unsigned bytes;
} mma_names[] = { { "mma.m16n8k16.f16", 2 },
                  { "mma.m16n8k16.bf16", 2 },
                  { "mma.m16n8k32.s8", 1 },
                  { "mma.m16n8k32.u8s8", 1 } };

TEST(cuda_fragment__mma_layouts_of_the_table__as_described)
{
    for (size_t at = 0; at < 4; at++) {
        check_layout(mma_names[at].name, 1, model_mma_a, mma_names[at].bytes, 0, 2);
        check_layout(mma_names[at].name, 2, model_mma_b, mma_names[at].bytes, 2, 1);
        check_layout(mma_names[at].name, 0, mma_c, mma_names[at].bytes, 0, 1);
    }
}

TEST(cuda_fragment__mma_elements__each_in_one_place)
{
    for (unsigned bytes = 1; bytes <= 2; bytes++) {
        unsigned k = 32 / bytes;
        bool a[16][32] = { 0 }, b[32][8] = { 0 }, c[16][8] = { 0 };
        for (unsigned lane = 0; lane < 32; lane++) {
            for (unsigned e = 0; e < 16 / bytes; e++) {
                struct model_at at = model_mma_a(bytes, lane, e);
                CHECK(at.row < 16 && at.column < k && !a[at.row][at.column]);
                a[at.row][at.column] = true;
            }
            for (unsigned e = 0; e < 8 / bytes; e++) {
                struct model_at at = model_mma_b(bytes, lane, e);
                CHECK(at.row < k && at.column < 8 && !b[at.row][at.column]);
                b[at.row][at.column] = true;
            }
            for (unsigned e = 0; e < 4; e++) {
                struct model_at at = model_mma_c(lane, e);
                CHECK(at.row < 16 && at.column < 8 && !c[at.row][at.column]);
                c[at.row][at.column] = true;
            }
        }
    }
}

TEST(cuda_fragment__accumulators__kernels_and_model_agree)
{
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < 4; e++) {
            CHECK_INT(model_mma_c(lane, e).row, cuda_c_line(lane, e));
            CHECK_INT(model_mma_c(lane, e).column, cuda_c_column(lane, e));
        }
    bool seen[64][256] = { 0 };
    for (unsigned thread = 0; thread < 128; thread++)
        for (unsigned e = 0; e < 128; e++) {
            struct model_at at = model_wgmma_c(thread, e);
            CHECK_INT(at.row, cuda_wgmma_line(thread, e));
            CHECK_INT(at.column, cuda_wgmma_column(thread, e));
            CHECK(at.row < 64 && at.column < 256 && !seen[at.row][at.column]);
            seen[at.row][at.column] = true;
        }
}

TEST(cuda_fragment__wgmma_accumulator__as_in_the_table)
{
    struct intrin intrin;
    struct intrin_layout layout;
    CHECK_OK(intrin_find("wgmma.m64n256k16.f16", &intrin, err));
    CHECK_OK(intrin_layout_parse(&intrin, 0, &layout, err));
    for (uint32_t thread = 0; thread < 128; thread++)
        for (uint32_t e = 0; e < 128; e++) {
            uint32_t place[INTRIN_PLACES_MAX] = { thread, e };
            int64_t at[INTRIN_AXES_MAX];
            intrin_layout_at(&layout, place, at);
            CHECK_INT(at[0], cuda_wgmma_line(thread, e));
            CHECK_INT(at[1], cuda_wgmma_column(thread, e));
        }
    intrin_release(&intrin);
}

TEST(cuda_index__swizzled_rows__a_permutation_without_conflicts)
{
    for (uint32_t row = 0; row < 64; row++) {
        unsigned across = 0, down = 0;
        for (uint32_t at = 0; at < 8; at++) {
            CHECK_INT(row, cuda_swizzled(row, at) / CUDA_ROW_BYTES);
            across |= 1u << cuda_swizzled(row, at) / 16 % 8;
            down |= 1u << cuda_swizzled(row / 8 * 8 + at, row % 8) / 16 % 8;
        }
        CHECK_INT(0xff, across);
        CHECK_INT(0xff, down);
    }
}

TEST(cuda_index__wmma_panels__no_overlap_and_no_conflicts)
{
    for (uint32_t bytes = 1; bytes <= 2; bytes++) {
        static bool seen[64 * 1024 / 16];
        memset(seen, 0, sizeof seen);
        uint32_t size = cuda_panel_tile_bytes(bytes, 64);
        for (uint32_t row = 0; row < 64; row++)
            for (uint32_t chunk = 0; chunk < 8; chunk++) {
                uint32_t at = cuda_panel_address(bytes, 64, row, chunk);
                CHECK(at + 16 <= size && at % 16 == 0 && !seen[at / 16]);
                seen[at / 16] = true;
            }
        for (uint32_t chunk = 0; chunk < 8; chunk++) {
            unsigned hit = 0;
            for (uint32_t row = 8; row < 16; row++)
                hit |= 1u << cuda_panel_address(bytes, 64, row, chunk) / 16 % 8;
            CHECK_INT(0xff, hit);
        }
    }
}

/* A descriptor's matrix is where the tiles' own addresses put its elements. */
TEST(cuda_fragment__wgmma_descriptors__name_the_tiles_bytes)
{
    for (int along = 0; along < 2; along++)
        for (uint32_t tile = 0; tile < 200 * 1024; tile += 50 * 1024)
            for (uint32_t part = 0; part < 4; part++)
                for (uint32_t first = 0; first < 128; first += 64)
                    for (uint32_t line = 0; line < 64; line++)
                        for (uint32_t k = 0; k < 16; k++) {
                            uint64_t d = cuda_wgmma_descriptor(tile, along, first, part);
                            uint32_t at =
                                tile + cuda_tile_address(along, 64, first + line, 16 * part + k);
                            at += (along ? line : k) % 8 * 2;
                            CHECK_INT(at, model_wgmma_byte(d, along, 2, line, k));
                        }
}

TEST(cuda_rows__shared_memory__fits_what_the_devices_have)
{
    for (size_t at = 0; at < cuda_row_count; at++) {
        const struct cuda_row *row = &cuda_rows[at];
        bool hopper = row->engine == CUDA_WGMMA || row->engine == CUDA_WGMMA_TMA;
        /* CUDA C++ Programming Guide, "Technical Specifications": 99 KB at least, 227 on 9.0. */
        CHECK(cuda_row_shared_bytes(row, 2) <= (hopper ? 227u : 99u) * 1024);
        CHECK_INT(0, row->block_m % row->warp_m + row->block_n % row->warp_n);
        CHECK_INT(row->threads, (hopper ? CUDA_PRODUCER_THREADS : 0) +
                                    row->block_m / row->warp_m * (row->block_n / row->warp_n) *
                                        (hopper ? 128 : 32));
    }
}

/* 13 halves of k, 5 lines: a run of 8 that starts at 8 has 5 left, and none past the end is read.
 */
TEST(cuda_index__last_run__only_what_is_left_is_read)
{
    static const int32_t tables[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    struct cuda_operand op = { .lines = 5, .element_bytes = 2, .piece_bytes = 16 };
    for (int axis = 0; axis < CUDA_AXES; axis++)
        op.table[axis][0] = CUDA_NONE;
    op.table[CUDA_K][0] = 0;
    struct cuda_place place = { { 100 } };
    struct cuda_chunk chunk = { .line = 4, .k = 8 };
    CHECK_INT(10, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).bytes);
    CHECK_INT(108, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).offset);
    chunk.k = 0;
    CHECK_INT(16, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).bytes);
    chunk.line = 5;
    CHECK_INT(0, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).bytes);
    op.along_lines = true;
    chunk.line = 0;
    CHECK_INT(10, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).bytes);
    chunk.k = 13;
    CHECK_INT(0, cuda_piece_at(&op, tables, 13, &place, &chunk, 0).bytes);
}
