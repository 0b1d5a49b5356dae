/* Linked where the program is built without CUDA. */
#include "backends/cuda/driver.h"

const struct cuda_driver *const cuda_driver_built = NULL;
