/* Tensor maps, which only the driver can encode; its entry is asked for at run time. */
#ifndef SOCWEAVE_BACKENDS_CUDA_ENCODE_H
#define SOCWEAVE_BACKENDS_CUDA_ENCODE_H

#include "backends/cuda/driver.h"

enum err_code cuda_device_encode(const struct cuda_map *map, uint32_t element_bytes, void *tensor,
                                 struct cuda_tensor_map *out, struct err *err);

#endif
