/*
 * One engine for every plan: after lowering, an operator is a batch of matrix products whose rows,
 * columns and depth are tables of offsets.
 *
 *   A  is laid out once per run with zeros where it is read outside (padding, zero expansion), and
 *      with that dimension innermost along which most of the depth is adjacent: channels last for
 *      a convolution. No window is ever copied: rows and quads are offsets into it.
 *   B  is packed into panels of 16 to 64 columns: once if it is constant.
 *   C  is rows x columns, dense; its way into the host's layout is not part of the kernel's time.
 *
 * The plan decides which iterations stay outside: those of the depth are padded to whole quads by
 * themselves, as the plan's calls are. The intrinsic decides the register tile; vnni.16x4 and
 * avx512bf16.16x2, which are single instructions, leave it to the engine.
 */
#ifndef SOCWEAVE_BACKENDS_CPU_ENGINE_H
#define SOCWEAVE_BACKENDS_CPU_ENGINE_H

#include "backends/backend.h"
#include "backends/cpu/machine.h"
#include "backends/cpu/work.h"

struct kernel_engine;

/* ERR_UNSUPPORTED if the expression is no product of the engine's types, or too large for it. */
enum err_code kernel_engine_new(struct kernel_engine **out, const struct backend_job *job,
                                struct err *err);
/* Tables and tiles only, for kernel_engine_count(): nothing is read of the job's constant but
 * whether there is one. */
enum err_code kernel_engine_plan(struct kernel_engine **out, const struct backend_job *job,
                                 struct err *err);
void kernel_engine_free(struct kernel_engine *engine); /* NULL is fine */

void kernel_engine_load(struct kernel_engine *engine, size_t input, const void *data);
/* Packs B if it is not constant, then computes. */
void kernel_engine_compute(struct kernel_engine *engine);
void kernel_engine_store(const struct kernel_engine *engine, void *output);
/* Both at once, if C is computed in the host's order; else false, and nothing is done. */
bool kernel_engine_compute_to(struct kernel_engine *engine, void *output);

enum backend_cpu_unit kernel_engine_unit(const struct kernel_engine *engine);
const char *kernel_engine_describe(const struct kernel_engine *engine);
/* What one kernel_engine_compute() does. */
void kernel_engine_count(const struct kernel_engine *engine, struct kernel_work *out);

#endif
