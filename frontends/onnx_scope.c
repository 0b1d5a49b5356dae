#include "frontends/onnx_scope.h"

#include <stdlib.h>

void onnx_scope_open(struct onnx_scope *scope, const struct onnx_scope *outer, const char *prefix)
{
    *scope = (struct onnx_scope){ .outer = outer, .prefix = prefix, .names = names_new() };
}

void onnx_scope_close(struct onnx_scope *scope)
{
    names_free(scope->names);
    free(scope->values);
}

struct onnx_value *onnx_scope_find(const struct onnx_scope *scope, const char *name)
{
    for (; scope; scope = scope->outer) {
        uint32_t i = names_find(scope->names, name);
        if (i != NAMES_NONE)
            return scope->values[i];
    }
    return NULL;
}

bool onnx_scope_bind(struct onnx_scope *scope, const char *name, struct onnx_value *value)
{
    if (names_add(scope->names, name, (uint32_t)scope->count) != NAMES_NONE)
        return false;
    if (scope->count == scope->capacity) {
        scope->capacity = scope->capacity ? 2 * scope->capacity : 64;
        scope->values = mem_grow(scope->values, scope->capacity, sizeof *scope->values);
    }
    scope->values[scope->count++] = value;
    return true;
}

const char *onnx_scope_name(struct onnx_model *model, const struct onnx_scope *scope,
                            const char *name)
{
    return *scope->prefix ? arena_printf(model->arena, "%s/%s", scope->prefix, name) : name;
}
