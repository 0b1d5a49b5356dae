/* Element types of tensors. */
#ifndef SOCWEAVE_CORE_DTYPE_H
#define SOCWEAVE_CORE_DTYPE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dtype { DT_U8, DT_S8, DT_S32, DT_F16, DT_BF16, DT_F32, DT_S16, DT_S64, DT_F64, DT_COUNT };
const char *dtype_name(enum dtype type); /* "u8" … */
bool dtype_from_name(const char *name, enum dtype *out);
unsigned dtype_bytes(enum dtype type);
extern const char *const dtype_names[DT_COUNT];

#ifdef __cplusplus
}
#endif
#endif
