#include "backends/backend.h"

#include <string.h>

const char *const backend_state_names[BACKEND_STATE_COUNT] = {
    "available", "not built", "no driver", "no device", "too old",
};

const struct backend *const backend_table[] = { &backend_reference, &backend_cpu, &backend_cuda };
const size_t backend_count = sizeof backend_table / sizeof *backend_table;

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < backend_count; i++)
        if (!strcmp(backend_table[i]->name, name))
            return backend_table[i];
    return NULL;
}

enum dtype backend_output_type(const struct backend_job *job)
{
    if (job->epilogue && job->epilogue->converts)
        return job->epilogue->to_type;
    return job->expr->tensors[0].type;
}
