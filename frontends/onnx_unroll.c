/* Loops whose number of steps is known, written out step by step. */
#include <stdlib.h>
#include <string.h>

#include "frontends/onnx_scope.h"

#define STEPS_MAX     512
#define STEPS_ALL_MAX 65536 /* of all loops of a model, inner ones each time */
#define VALUES_MAX    256   /* that a step takes or makes */

struct unrolling {
    struct onnx_model *model;
    struct onnx_scope *scope;
    const Onnx__NodeProto *proto;
    const struct onnx_node *node;
    const Onnx__GraphProto *body;
    size_t steps, steps_most;                    /* most: before a condition ended a Loop */
    size_t state_count, scan_count, stack_count; /* stacks: one part of each step */
    struct onnx_value *condition;                /* of a Loop's next step; NULL: a Scan */
    const struct onnx_attr *in_axes, *in_directions, *out_axes, *out_directions;
    struct onnx_value *state[VALUES_MAX];
    struct onnx_value **parts; /* [stack · steps_most + step] */
};

static bool is_false(const struct onnx_value *value)
{
    return value->constant && value->data && *value->data == 0;
}

static int64_t int_at(const struct onnx_attr *attr, size_t i)
{
    return attr && i < attr->int_count ? attr->ints[i] : 0;
}

static struct onnx_value *integer(struct onnx_model *model, int64_t value)
{
    struct onnx_value *scalar = onnx_new_ints(model, "", &value, 1);
    scalar->shape.rank = 0;
    return scalar;
}

/* A node of one or two inputs with an attribute, as the file might have had it. */
static struct onnx_value *add_node(struct unrolling *u, const char *name, const char *op,
                                   struct onnx_value **inputs, size_t count, struct onnx_attr attr,
                                   struct onnx_value *into)
{
    struct onnx_model *model = u->model;
    struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
    struct onnx_attr *own = ARENA_ARRAY(model->arena, struct onnx_attr, 1);
    *own = attr;
    own->s = "";
    *node = (struct onnx_node){ .name = name,
                                .op_type = op,
                                .domain = "",
                                .inputs = inputs,
                                .input_count = count,
                                .attrs = own,
                                .attr_count = 1,
                                .output_count = 1 };
    node->outputs = ARENA_ARRAY(model->arena, struct onnx_value *, 1);
    node->outputs[0] = into ? into : onnx_new_value(model, name);
    return onnx_add(model, node) ? node->outputs[0] : NULL;
}

/* Step t's part of scan input i. */
static struct onnx_value *slice(struct unrolling *u, size_t t, size_t i, const char *prefix)
{
    struct onnx_value **inputs = ARENA_ARRAY(u->model->arena, struct onnx_value *, 2);
    size_t at = int_at(u->in_directions, i) ? u->steps - 1 - t : t;
    inputs[0] = u->node->inputs[u->state_count + i];
    inputs[1] = integer(u->model, (int64_t)at);
    struct onnx_attr axis = { .name = "axis", .i = int_at(u->in_axes, i) };
    return add_node(u, arena_printf(u->model->arena, "%s/in%zu", prefix, i), "Gather", inputs, 2,
                    axis, NULL);
}

static struct onnx_value *made_inside(struct unrolling *u, const struct onnx_scope *inner,
                                      size_t output)
{
    const char *name = u->body->output[output]->name;
    struct onnx_value *value = onnx_scope_find(inner, name ? name : "");
    if (!value)
        onnx_fail(u->model, u->node, ERR_REFERENCE, "nothing inside makes its output \"%.100s\"",
                  name ? name : "");
    return value;
}

static bool bind_input(struct unrolling *u, struct onnx_scope *inner, size_t i,
                       struct onnx_value *value)
{
    const char *name = u->body->input[i]->name ? u->body->input[i]->name : "";
    return value && (onnx_scope_bind(inner, name, value) ||
                     onnx_fail(u->model, u->node, ERR_DUPLICATE,
                               "the body's input \"%.100s\" occurs twice", name));
}

/* What leaves the body becomes the state of the next step, or a part. */
static bool take_outputs(struct unrolling *u, const struct onnx_scope *inner, size_t t)
{
    struct onnx_value *next[VALUES_MAX];
    size_t first = u->condition ? 1 : 0;
    if (u->condition && !(u->condition = made_inside(u, inner, 0)))
        return false;
    for (size_t i = 0; i < u->state_count; i++)
        if (!(next[i] = made_inside(u, inner, first + i)))
            return false;
    memcpy(u->state, next, u->state_count * sizeof *next);
    for (size_t k = 0; k < u->stack_count; k++) {
        size_t at = int_at(u->out_directions, k) ? u->steps - 1 - t : t;
        struct onnx_value *part = made_inside(u, inner, first + u->state_count + k);
        u->parts[k * u->steps_most + at] = part;
        if (!part)
            return false;
    }
    return true;
}

/* One part of every step, along a new axis. */
static struct onnx_value *stack(struct unrolling *u, size_t k)
{
    struct onnx_model *model = u->model;
    const char *given = u->proto->output[u->state_count + k];
    struct onnx_value **parts = ARENA_ARRAY(model->arena, struct onnx_value *, u->steps);
    int64_t *axis = ARENA_ARRAY(model->arena, int64_t, 1);
    *axis = int_at(u->out_axes, k);
    for (size_t t = 0; t < u->steps; t++) {
        struct onnx_value **input = ARENA_ARRAY(model->arena, struct onnx_value *, 1);
        *input = u->parts[k * u->steps_most + t];
        struct onnx_attr axes = { .name = "axes", .int_count = 1, .ints = axis };
        const char *name = arena_printf(model->arena, "%s/t%zu/out%zu", u->node->name, t, k);
        parts[t] = add_node(u, name, "Unsqueeze", input, 1, axes, NULL);
        if (!parts[t])
            return NULL;
    }
    struct onnx_attr along = { .name = "axis", .i = *axis };
    return add_node(u, arena_printf(model->arena, "%s/out%zu", u->node->name, k), "Concat", parts,
                    u->steps, along,
                    onnx_new_value(model, onnx_scope_name(model, u->scope, given)));
}

static bool bind_outputs(struct unrolling *u)
{
    for (size_t i = 0; i < u->proto->n_output; i++) {
        const char *name = u->proto->output[i];
        if (!*name)
            continue;
        struct onnx_value *value = i < u->state_count ? u->state[i] : stack(u, i - u->state_count);
        if (!value)
            return false;
        if (!onnx_scope_bind(u->scope, name, value))
            return onnx_fail(u->model, u->node, ERR_DUPLICATE, "\"%.100s\" is there already", name);
    }
    return true;
}

/* Bodies of a Loop take the step's number and the condition first, and give the next condition. */
static bool add_steps(struct unrolling *u)
{
    size_t lead = u->condition ? 2 : 0;
    for (size_t t = 0; t < u->steps; t++) {
        struct onnx_model *model = u->model;
        if (++model->step_count > STEPS_ALL_MAX)
            return onnx_fail(model, u->node, ERR_LIMIT, "expected at most %d steps of loops in all",
                             STEPS_ALL_MAX);
        struct onnx_scope inner;
        const char *prefix = arena_printf(model->arena, "%s/t%zu", u->node->name, t);
        onnx_scope_open(&inner, u->scope, prefix);
        inner.call = u->scope->call;
        bool ok = !u->condition || (bind_input(u, &inner, 0, integer(model, (int64_t)t)) &&
                                    bind_input(u, &inner, 1, u->condition));
        for (size_t i = 0; ok && i < u->state_count; i++)
            ok = bind_input(u, &inner, lead + i, u->state[i]);
        for (size_t i = 0; ok && i < u->scan_count; i++)
            ok = bind_input(u, &inner, lead + u->state_count + i, slice(u, t, i, prefix));
        ok = ok && onnx_add_graph(model, &inner, u->body) && take_outputs(u, &inner, t);
        onnx_scope_close(&inner);
        if (!ok)
            return false;
        if (u->condition && is_false(u->condition))
            u->steps = t + 1;
    }
    return true;
}

/* Steps of a Scan: the length of what it scans; 0 where it is not known or not the same. */
static size_t scan_length(const struct unrolling *u)
{
    int64_t steps = 0;
    for (size_t i = 0; i < u->scan_count; i++) {
        const struct onnx_value *value = onnx_in(u->node, u->state_count + i);
        int axis = onnx_known(value) ? onnx_axis(int_at(u->in_axes, i), value->shape.rank) : -1;
        if (axis < 0 || (i > 0 && value->shape.dim[axis] != steps))
            return 0;
        steps = value->shape.dim[axis];
    }
    return steps <= STEPS_MAX ? (size_t)steps : 0;
}

/* At most so many: a condition that data decide may end it earlier. */
static size_t loop_length(const struct onnx_node *node)
{
    int64_t steps;
    if (onnx_in(node, 1) && is_false(node->inputs[1]))
        return 0;
    if (onnx_ints(node, 0, NULL, &steps, 1) != 1 || steps < 1 || steps > STEPS_MAX)
        return 0;
    return (size_t)steps;
}

static bool states_known(const struct unrolling *u)
{
    for (size_t i = 0; i < u->state_count; i++)
        if (!onnx_known(u->state[i]))
            return false;
    return true;
}

bool onnx_unroll(struct onnx_model *model, struct onnx_scope *scope, const Onnx__NodeProto *proto,
                 struct onnx_node *node, bool *done)
{
    struct unrolling u = { .model = model, .scope = scope, .proto = proto, .node = node };
    bool counted = !*node->domain && !strcmp(node->op_type, "Loop");
    const struct onnx_attr *body = onnx_attr(node, "body");
    *done = false;
    if (!body || !body->g || (!counted && (*node->domain || strcmp(node->op_type, "Scan") != 0)) ||
        model->opset < 9)
        return true;
    size_t lead = counted ? 2 : 0,
           scans = counted ? 0 : (size_t)onnx_attr_int(node, "num_scan_inputs", 0);
    u.body = body->g;
    if (node->input_count < lead + scans || node->input_count - lead - scans > VALUES_MAX)
        return true;
    u.state_count = node->input_count - lead - scans;
    u.scan_count = scans;
    u.in_axes = onnx_attr(node, "scan_input_axes");
    u.in_directions = onnx_attr(node, "scan_input_directions");
    u.out_axes = onnx_attr(node, "scan_output_axes");
    u.out_directions = onnx_attr(node, "scan_output_directions");
    for (size_t i = 0; i < u.state_count; i++)
        u.state[i] = node->inputs[lead + i];
    u.steps = counted ? loop_length(node) : scan_length(&u);
    size_t first = counted ? 1 : 0;
    if (u.steps == 0 || !states_known(&u) || u.body->n_input != lead + u.state_count + scans ||
        u.body->n_output < first + u.state_count ||
        u.body->n_output - first - u.state_count > VALUES_MAX ||
        proto->n_output > u.body->n_output - first)
        return true;
    u.stack_count = u.body->n_output - first - u.state_count;
    *done = true;
    u.steps_most = u.steps;
    u.condition = !counted ? NULL : onnx_in(node, 1) ? node->inputs[1] : integer(model, 1);
    u.parts = mem_alloc(u.stack_count * u.steps, sizeof *u.parts);
    bool ok = add_steps(&u) && bind_outputs(&u);
    free(u.parts);
    return ok;
}
