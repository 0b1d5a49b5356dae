#include "exec/exec_there.h"

#include "core/num.h"

static const struct backend_memory *memory_of(const struct exec_layer *layer)
{
    return layer->place.backend->memory;
}

/* Before the steps. */
static size_t computed_bytes(const struct exec_layer *layer)
{
    struct exec_view view = exec_view_of_expr(layer->layer->expr, 0);
    return exec_view_elements(&view);
}

/* Constants are the kernel's own. */
static bool is_read(const struct exec_layer *layer, size_t operand)
{
    return operand + 1 < layer->expr.tensor_count && layer->operands[operand].fed;
}

struct exec_source *exec_there_direct(struct exec_operand *operand)
{
    return operand->fed && operand->direct ? &operand->sources[0] : NULL;
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum err_code prepare_operand(const struct exec_layer *layer, struct exec_operand *operand,
                                     struct err *err)
{
    const struct backend_memory *memory = memory_of(layer);
    size_t bytes = exec_view_elements(&operand->view);
    struct exec_source *direct = exec_there_direct(operand);
    if (direct != NULL && direct->there != NULL && direct->home == memory)
        return ERR_OK;
    enum err_code rc = memory->allocate(bytes, &operand->there, err);
    if (rc != ERR_OK || direct == NULL || direct->layer != WORKLOAD_NONE)
        return rc;
    direct->there = operand->there;
    direct->home = memory;
    return memory->upload(operand->there, direct->data, bytes, err);
}

enum err_code exec_there_prepare(struct exec_layer *layer, struct err *err)
{
    size_t bytes = max_u64(computed_bytes(layer), layer->result.bytes);
    enum err_code rc = memory_of(layer)->allocate(bytes, &layer->there, err);
    for (size_t i = 0; i < 2 && rc == ERR_OK; i++)
        if (is_read(layer, i))
            rc = prepare_operand(layer, &layer->operands[i], err);
    return rc;
}

void exec_there_release(struct exec_layer *layer)
{
    const struct backend_memory *memory = memory_of(layer);
    if (memory == NULL)
        return;
    memory->release(layer->there);
    for (size_t i = 0; i < 2; i++)
        memory->release(layer->operands[i].there);
}

/* --- there and back --------------------------------------------------------------------------- */

enum err_code exec_there_send(struct exec_layer *layer, struct err *err)
{
    return memory_of(layer)->upload(layer->there, layer->result.data, layer->result.bytes, err);
}

enum err_code exec_there_fetch(struct exec_layer *layer, struct err *err)
{
    return memory_of(layer)->download(layer->result.data, layer->there, layer->result.bytes, err);
}

enum err_code exec_there_refresh(struct exec_operand *operand, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < operand->source_count && rc == ERR_OK; i++) {
        const struct exec_source *source = &operand->sources[i];
        if (source->is_stale)
            rc = source->home->download(source->data, source->there,
                                        exec_view_elements(&source->view), err);
    }
    return rc;
}

/* Where the device finds the operand. */
static enum err_code bring(struct exec_layer *layer, struct exec_operand *operand, const void **at,
                           struct err *err)
{
    const struct backend_memory *memory = memory_of(layer);
    const struct exec_source *direct = exec_there_direct(operand);
    if (direct != NULL && direct->there != NULL && direct->home == memory) {
        *at = direct->there;
        return ERR_OK;
    }
    enum err_code rc = exec_there_refresh(operand, err);
    const uint8_t *data = exec_net_gather(operand);
    *at = operand->there;
    return rc == ERR_OK
               ? memory->upload(operand->there, data, exec_view_elements(&operand->view), err)
               : rc;
}

enum err_code exec_there_settle(struct exec_layer *layer, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < 2 && rc == ERR_OK; i++) {
        struct exec_source *direct = exec_there_direct(&layer->operands[i]);
        const void *at;
        if (!is_read(layer, i) || direct == NULL)
            continue;
        rc = bring(layer, &layer->operands[i], &at, err);
        direct->there = at;
        direct->home = memory_of(layer);
    }
    return rc;
}

/* --- computing -------------------------------------------------------------------------------- */

enum err_code exec_there_compute(struct exec_layer *layer, struct err *err)
{
    const struct backend *backend = layer->place.backend;
    const void *inputs[2] = { NULL, NULL };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < 2 && rc == ERR_OK; i++)
        if (is_read(layer, i))
            rc = bring(layer, &layer->operands[i], &inputs[i], err);
    if (rc == ERR_OK)
        rc = backend->run_there(layer->kernel, inputs, layer->there, err);
    if (rc != ERR_OK || layer->step_count == 0)
        return rc;
    rc = backend->memory->download(exec_net_first(layer), layer->there, computed_bytes(layer), err);
    if (rc == ERR_OK)
        rc = exec_net_steps(layer, err);
    return rc == ERR_OK ? exec_there_send(layer, err) : rc;
}
