/*
 * The instruction itself: 64 x N sums of a warp group, k of 32 bytes, both operands from shared
 * memory by descriptors. One row of the list per 16 registers.
 * Source: PTX ISA, "Asynchronous Warpgroup Level Multiply-and-Accumulate Instructions".
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_WGMMA_ASM_CUH
#define SOCWEAVE_BACKENDS_CUDA_WGMMA_ASM_CUH

#include <stdint.h>

namespace cuda_kernels {

enum wgmma_type { WGMMA_F16, WGMMA_BF16, WGMMA_S8, WGMMA_U8S8 };

/* clang-format off */
#define WGMMA_LIST_64                                                                            \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                    \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "           \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "           \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}"
#define WGMMA_LIST_128                                                                           \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                    \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "           \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "           \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "           \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "           \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "           \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}"
#define WGMMA_16(c, at)                                                                          \
    c(s[at + 0]), c(s[at + 1]), c(s[at + 2]), c(s[at + 3]),                                      \
    c(s[at + 4]), c(s[at + 5]), c(s[at + 6]), c(s[at + 7]),                                      \
    c(s[at + 8]), c(s[at + 9]), c(s[at + 10]), c(s[at + 11]),                                    \
    c(s[at + 12]), c(s[at + 13]), c(s[at + 14]), c(s[at + 15])
#define WGMMA_SUMS_64(c)  WGMMA_16(c, 0), WGMMA_16(c, 16), WGMMA_16(c, 32), WGMMA_16(c, 48)
#define WGMMA_SUMS_128(c)                                                                          \
    WGMMA_SUMS_64(c), WGMMA_16(c, 64), WGMMA_16(c, 80), WGMMA_16(c, 96), WGMMA_16(c, 112)
#define WGMMA_FLOAT(x) "+f"(x)
#define WGMMA_INT(x)   "+r"(x)

/* a, b: operands of the descriptors in the list, right behind the sums; then the turns. */
#define WGMMA_FLOATS(n, types, list, sums, a, b, ta, tb)                                           \
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, 1, 0;\n"                                    \
                 "wgmma.mma_async.sync.aligned.m64n" n "k16.f32." types " " list                   \
                 ", %" a ", %" b ", add, 1, 1, %" ta ", %" tb ";\n}"                               \
                 : sums                                                                            \
                 : "l"(desc_a), "l"(desc_b), "n"(TURN_A), "n"(TURN_B))
#define WGMMA_INTS(n, types, list, sums, a, b)                                                     \
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, 1, 0;\n"                                    \
                 "wgmma.mma_async.sync.aligned.m64n" n "k32.s32." types " " list                   \
                 ", %" a ", %" b ", add;\n}"                                                       \
                 : sums                                                                            \
                 : "l"(desc_a), "l"(desc_b))

/* s: N / 2 sums of the thread; TURN: the operand runs along lines. */
template <wgmma_type TYPE, bool TURN_A, bool TURN_B>
__device__ __forceinline__ void wgmma_sums(float (&s)[128], uint64_t desc_a, uint64_t desc_b)
{
    if constexpr (TYPE == WGMMA_F16)
        WGMMA_FLOATS("256", "f16.f16", WGMMA_LIST_128, WGMMA_SUMS_128(WGMMA_FLOAT), "128", "129", "130", "131");
    else
        WGMMA_FLOATS("256", "bf16.bf16", WGMMA_LIST_128, WGMMA_SUMS_128(WGMMA_FLOAT), "128", "129", "130", "131");
}
template <wgmma_type TYPE, bool TURN_A, bool TURN_B>
__device__ __forceinline__ void wgmma_sums(float (&s)[64], uint64_t desc_a, uint64_t desc_b)
{
    if constexpr (TYPE == WGMMA_F16)
        WGMMA_FLOATS("128", "f16.f16", WGMMA_LIST_64, WGMMA_SUMS_64(WGMMA_FLOAT), "64", "65", "66", "67");
    else
        WGMMA_FLOATS("128", "bf16.bf16", WGMMA_LIST_64, WGMMA_SUMS_64(WGMMA_FLOAT), "64", "65", "66", "67");
}
template <wgmma_type TYPE, bool, bool>
__device__ __forceinline__ void wgmma_sums(int32_t (&s)[128], uint64_t desc_a, uint64_t desc_b)
{
    if constexpr (TYPE == WGMMA_S8)
        WGMMA_INTS("256", "s8.s8", WGMMA_LIST_128, WGMMA_SUMS_128(WGMMA_INT), "128", "129");
    else
        WGMMA_INTS("256", "u8.s8", WGMMA_LIST_128, WGMMA_SUMS_128(WGMMA_INT), "128", "129");
}
template <wgmma_type TYPE, bool, bool>
__device__ __forceinline__ void wgmma_sums(int32_t (&s)[64], uint64_t desc_a, uint64_t desc_b)
{
    if constexpr (TYPE == WGMMA_S8)
        WGMMA_INTS("128", "s8.s8", WGMMA_LIST_64, WGMMA_SUMS_64(WGMMA_INT), "64", "65");
    else
        WGMMA_INTS("128", "u8.s8", WGMMA_LIST_64, WGMMA_SUMS_64(WGMMA_INT), "64", "65");
}

/* The sums' registers before the first instruction, and the waits for the last one. */
__device__ __forceinline__ void wgmma_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int PENDING> __device__ __forceinline__ void wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}
__device__ __forceinline__ void wgmma_pin(float &sum)
{
    asm volatile("" : "+f"(sum)::"memory");
}
__device__ __forceinline__ void wgmma_pin(int32_t &sum)
{
    asm volatile("" : "+r"(sum)::"memory");
}
/* clang-format on */

} // namespace cuda_kernels

#endif
