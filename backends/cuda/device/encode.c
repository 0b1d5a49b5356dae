#include "backends/cuda/device/encode.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <string.h>

typedef CUresult encode_function(CUtensorMap *, CUtensorMapDataType, cuuint32_t, void *,
                                 const cuuint64_t *, const cuuint64_t *, const cuuint32_t *,
                                 const cuuint32_t *, CUtensorMapInterleave, CUtensorMapSwizzle,
                                 CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

static encode_function *find_entry(void)
{
    void *entry = NULL;
    enum cudaDriverEntryPointQueryResult found;
    if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault,
                                         &found) != cudaSuccess ||
        found != cudaDriverEntryPointSuccess)
        return NULL;
    encode_function *function;
    memcpy(&function, &entry, sizeof function);
    return function;
}

enum err_code cuda_device_encode(const struct cuda_map *map, uint32_t element_bytes, void *tensor,
                                 struct cuda_tensor_map *out, struct err *err)
{
    _Static_assert(sizeof(struct cuda_tensor_map) == sizeof(CUtensorMap), "an opaque CUtensorMap");
    encode_function *encode = find_entry();
    if (encode == NULL)
        return err_set(err, ERR_DEVICE, "the driver has no tensor maps");
    struct cuda_map_arguments a;
    CUtensorMap encoded;
    cuda_map_arguments(map, element_bytes, &a);
    cuuint64_t extent[CUDA_MAP_DIMS], stride[CUDA_MAP_DIMS];
    for (uint32_t d = 0; d < map->rank; d++) {
        extent[d] = a.extent[d];
        stride[d] = d + 1 < map->rank ? a.stride_bytes[d] : 0;
    }
    CUresult status =
        encode(&encoded,
               element_bytes == 2 ? CU_TENSOR_MAP_DATA_TYPE_UINT16 : CU_TENSOR_MAP_DATA_TYPE_UINT8,
               map->rank, tensor, extent, stride, a.box, a.step, CU_TENSOR_MAP_INTERLEAVE_NONE,
               CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
               CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (status != CUDA_SUCCESS)
        return err_set(err, ERR_DEVICE, "cuTensorMapEncodeTiled() refuses the tensor map: %d",
                       (int)status);
    memcpy(out, &encoded, sizeof *out);
    return ERR_OK;
}
