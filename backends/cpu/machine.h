/*
 * This CPU: what it is, which kernels it runs, and how fast it is right now. The rates are measured
 * in a few hundred microseconds to milliseconds; on a shared machine take the median of several.
 *
 * SOCWEAVE_CPU_ISA=portable, avx2, avxvnni or avx512vnni uses no more than that (for tests, and to
 * compare).
 */
#ifndef SOCWEAVE_BACKENDS_CPU_MACHINE_H
#define SOCWEAVE_BACKENDS_CPU_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum backend_cpu_unit { BACKEND_CPU_S8, BACKEND_CPU_BF16 }; /* u8 x s8 -> s32, bf16 -> f32 */

struct backend_cpu_machine {
    char model[80];
    unsigned cores;  /* online */
    bool vnni, bf16; /* AVX-512 with these; this and the next line: and SOCWEAVE_CPU_ISA allows */
    bool avx2, avxvnni;                  /* 256 bits */
    size_t l1_bytes, l2_bytes, l3_bytes; /* 0: unknown */
};
void backend_cpu_machine(struct backend_cpu_machine *out);

struct kernel_set;
/* The tiles that run here. */
const struct kernel_set *backend_cpu_kernels(enum backend_cpu_unit unit);

/* Operations per second (a multiply-add is two) of independent instructions in registers, all
 * threads together. docs/model.md M-111. */
double backend_cpu_peak_ops_per_s(enum backend_cpu_unit unit, unsigned threads);
/* Bytes per second that the threads read together, each from `bytes` of its own, again and again:
 * the level of memory that holds them. docs/model.md M-112. */
double backend_cpu_read_bytes_per_s(size_t bytes, unsigned threads);
/* The same for writing. */
double backend_cpu_write_bytes_per_s(size_t bytes, unsigned threads);
/* What a call costs that does nothing: waking the threads and waiting for them. */
double backend_cpu_call_ns(unsigned threads);

#endif
