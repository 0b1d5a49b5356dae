#include "cost/cost_layer.h"

#include <assert.h>

#include "core/num.h"
#include "cost/cost_measured.h"
#include "cost/cost_nest.h"
#include "cost/cost_plan.h"

/* --- allotments ------------------------------------------------------------------------------ */

static const struct dataflow_rule *rule_of(const struct layer_shape *shape,
                                           const struct soc_accelerator *acc)
{
    if (!(acc->supports & 1u << shape->kind))
        return NULL;
    const struct dataflow_rule *rule = &acc->dataflow->rules[shape->kind];
    return rule->present ? rule : NULL;
}

uint32_t cost_row_pes(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    const struct dataflow_rule *rule = rule_of(shape, acc);
    return rule ? (uint32_t)cost_rule_cols(rule, shape, acc) : 0;
}

uint64_t cost_row_extent(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    const struct dataflow_rule *rule = rule_of(shape, acc);
    return rule ? cost_rule_row_extent(rule, shape) : 0;
}

/* min(folded extent, rows of the array), docs/model.md M-09. */
uint32_t cost_natural_rows(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    const struct dataflow_rule *rule = rule_of(shape, acc);
    if (!rule)
        return 0;
    uint64_t rows = soc_pes(acc) / cost_rule_cols(rule, shape, acc);
    return (uint32_t)min_u64(rows, cost_rule_row_extent(rule, shape));
}

uint32_t cost_natural_pes(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    if (!(acc->supports & 1u << shape->kind))
        return 0;
    if (acc->dataflow->measured.present)
        return cost_measured_runs(shape, acc) ? (uint32_t)soc_pes(acc) : 0;
    if (op_kind_has_macs(shape->kind))
        return cost_natural_rows(shape, acc) * cost_row_pes(shape, acc);
    return (uint32_t)min_u64(soc_pes(acc), acc->vector_lanes);
}

/* --- energy ---------------------------------------------------------------------------------- */

/* One element operation of the vector unit: an ALU operation, an operand in, a result out. M-14 */
static struct energy_split vector_energy(const struct layer_shape *shape, double operations,
                                         const struct soc_energy *energy)
{
    return (struct energy_split){
        .mac_pj = operations * energy->mac_pj,
        .register_pj = operations * 2 * shape->output_elem_bytes * energy->register_pj_per_byte,
    };
}

/*
 * Scratchpad bytes: what the array reads and writes, plus one access for every byte that enters or
 * leaves the scratchpad. M-11
 */
static void add_memories(struct layer_option *option, const struct layer_shape *shape,
                         const struct soc_energy *energy)
{
    double array = (double)option->scratchpad_read_bytes + (double)option->scratchpad_write_bytes;
    double filled = (double)shape->input_bytes + (double)shape->weight_bytes;
    double memory = (double)option->memory_read_bytes + (double)option->memory_write_bytes;
    option->energy.scratchpad_pj =
        (array + filled + (double)shape->output_bytes) * energy->scratchpad_pj_per_byte;
    option->energy.memory_pj = memory * energy->memory_pj_per_byte;
    /* docs/model.md M-15 */
    option->energy_pj = option->energy.mac_pj + option->energy.register_pj +
                        option->energy.scratchpad_pj + option->energy.memory_pj;
}

/* --- layers with MACs ------------------------------------------------------------------------ */

/*
 * Every MAC reads two operands and a partial sum and writes the sum; every operand that comes from
 * the scratchpad is written to the PEs once. M-10
 */
static double register_bytes(const struct layer_shape *shape, const struct cost_run *run)
{
    double per_mac =
        shape->input_elem_bytes + shape->weight_elem_bytes + 2.0 * shape->output_elem_bytes;
    return (double)shape->macs * per_mac +
           (double)run->elements[OPERAND_INPUT] * shape->input_elem_bytes +
           (double)run->elements[OPERAND_WEIGHT] * shape->weight_elem_bytes;
}

/* docs/model.md M-06. */
static bool traffic_bytes(const struct layer_shape *shape, const struct cost_run *run,
                          struct layer_option *option)
{
    uint64_t inputs, weights, outputs;
    if (!mul_size(run->elements[OPERAND_INPUT], shape->input_elem_bytes, &inputs) ||
        !mul_size(run->elements[OPERAND_WEIGHT], shape->weight_elem_bytes, &weights) ||
        !mul_size(run->elements[OPERAND_OUTPUT], shape->output_elem_bytes, &outputs) ||
        inputs > NUM_MAX_SIZE - weights)
        return false;
    option->scratchpad_read_bytes = inputs + weights;
    option->scratchpad_write_bytes = outputs;
    return true;
}

struct array_layer {
    const struct layer_shape *shape;
    const struct soc_accelerator *acc;
    const struct dataflow_rule *rule;
    const struct cost_allotment *allotment;
    uint64_t rows; /* of each replica */
};

/*
 * All replicas but the last work on ceil(extent / replicas), that one on the rest. They start
 * together, so the larger parts decide about the time; each fetches what it needs. M-80, M-81
 */
static enum err_code run_replicas(const struct array_layer *layer, struct cost_nest *part,
                                  struct layer_shape *shape, struct cost_run *out, struct err *err)
{
    enum role split = layer->allotment->split;
    uint64_t replicas = layer->allotment->replicas, whole = layer->shape->extent[split];
    uint64_t bytes_per_cycle = layer->acc->scratchpad_bytes_per_cycle;
    uint64_t extent = ceil_div_u64(whole, replicas), rest = whole - (replicas - 1) * extent;
    assert((replicas - 1) * extent < whole);
    struct cost_run last;
    enum err_code rc = cost_nest_part(part, layer->shape, layer->rule, layer->acc, layer->rows,
                                      split, replicas, rest, shape, err);
    if (rc == ERR_OK)
        rc = cost_nest_run(part, bytes_per_cycle, &last, err);
    if (rc == ERR_OK)
        rc = cost_nest_part(part, layer->shape, layer->rule, layer->acc, layer->rows, split,
                            replicas, extent, shape, err);
    if (rc == ERR_OK)
        rc = cost_nest_run(part, bytes_per_cycle, out, err);
    for (unsigned operand = 0; operand < OPERAND_COUNT && rc == ERR_OK; operand++) {
        uint64_t all;
        if (!mul_size(out->elements[operand], replicas - 1, &all) ||
            all > NUM_MAX_SIZE - last.elements[operand])
            return err_set(err, ERR_OVERFLOW, "the layer's traffic exceeds 2^63-1");
        out->elements[operand] = all + last.elements[operand];
    }
    return rc;
}

static enum err_code run_array(const struct array_layer *layer, struct cost_run *run,
                               struct cost_plan *plan, struct err *err)
{
    struct cost_nest nest, part;
    struct layer_shape shape;
    enum err_code rc;
    if (layer->allotment->replicas == 1) {
        rc = cost_nest_init(&nest, layer->shape, layer->rule, layer->acc, layer->rows, err);
        if (rc == ERR_OK)
            rc = cost_nest_run(&nest, layer->acc->scratchpad_bytes_per_cycle, run, err);
    } else {
        rc = run_replicas(layer, &part, &shape, run, err);
        if (rc == ERR_OK)
            rc = cost_nest_together(&nest, layer->shape, layer->rule, layer->acc, layer->rows,
                                    &part, err);
    }
    if (rc == ERR_OK && plan)
        rc = cost_plan_nest(&nest, layer->acc->scratchpad_bytes, plan, err);
    return rc;
}

static enum err_code cost_array_layer(const struct layer_shape *shape,
                                      const struct soc_accelerator *acc,
                                      const struct dataflow_rule *rule,
                                      const struct soc_energy *energy,
                                      const struct cost_allotment *allotment,
                                      struct layer_option *option, struct err *err)
{
    struct cost_run run;
    struct cost_plan plan;
    uint64_t cols = cost_rule_cols(rule, shape, acc);
    uint64_t rows = min_u64(allotment->pes / cols, soc_pes(acc) / cols);
    const struct array_layer layer = { shape, acc, rule, allotment, rows };
    assert(rows >= 1);
    enum err_code rc = run_array(&layer, &run, &plan, err);
    if (rc != ERR_OK)
        return rc;
    if (!traffic_bytes(shape, &run, option))
        return err_set(err, ERR_OVERFLOW, "the layer's scratchpad traffic exceeds 2^63-1 bytes");

    /* The epilogue runs on the vector unit while the array computes. M-13 */
    uint64_t epilogue_cycles = ceil_div_u64(shape->epilogue_elements, acc->vector_lanes);
    option->cycles = max_u64(run.cycles, epilogue_cycles);
    option->tiles = (uint8_t)plan.tiles;
    option->scratchpad_bytes = plan.scratchpad_bytes;
    option->memory_read_bytes = plan.memory_read_bytes;
    option->memory_write_bytes = plan.memory_write_bytes;
    option->energy = vector_energy(shape, (double)shape->epilogue_elements, energy);
    option->energy.mac_pj += (double)shape->macs * energy->mac_pj;
    option->energy.register_pj += register_bytes(shape, &run) * energy->register_pj_per_byte;
    add_memories(option, shape, energy);
    return ERR_OK;
}

/* The largest part alone: it decides about the time, and nearly all are like it. */
bool cost_try(const struct layer_shape *shape, const struct soc_accelerator *acc,
              const struct soc_energy *energy, const struct cost_allotment *allotment,
              struct cost_trial *out)
{
    const struct dataflow_rule *rule = rule_of(shape, acc);
    uint64_t rows = allotment->pes / cost_rule_cols(rule, shape, acc);
    uint64_t replicas = allotment->replicas, extent = shape->extent[allotment->split];
    struct cost_nest nest;
    struct layer_shape part;
    struct cost_run run;
    if (cost_nest_part(&nest, shape, rule, acc, rows, allotment->split, replicas,
                       ceil_div_u64(extent, replicas), &part, NULL) != ERR_OK ||
        cost_nest_run(&nest, acc->scratchpad_bytes_per_cycle, &run, NULL) != ERR_OK)
        return false;
    double read = (double)run.elements[OPERAND_INPUT] * shape->input_elem_bytes +
                  (double)run.elements[OPERAND_WEIGHT] * shape->weight_elem_bytes;
    double written = (double)run.elements[OPERAND_OUTPUT] * shape->output_elem_bytes;
    out->cycles = max_u64(run.cycles, ceil_div_u64(shape->epilogue_elements, acc->vector_lanes));
    out->traffic_pj = (double)replicas * (read * energy->register_pj_per_byte +
                                          (read + written) * energy->scratchpad_pj_per_byte);
    return true;
}

unsigned cost_split_roles(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    static const enum role outputs[] = { ROLE_N, ROLE_G, ROLE_K, ROLE_P, ROLE_Q };
    const struct dataflow_rule *rule = op_kind_has_macs(shape->kind) ? rule_of(shape, acc) : NULL;
    unsigned roles = 0;
    for (size_t i = 0; rule && i < sizeof outputs / sizeof *outputs; i++)
        if (shape->extent[outputs[i]] > 1 && !(rule->row_roles & ROLE_BIT(outputs[i])) &&
            rule->cols_role != outputs[i])
            roles |= ROLE_BIT(outputs[i]);
    return roles;
}

/* --- layers without MACs --------------------------------------------------------------------- */

/*
 * cycles = max(element operations / lanes, scratchpad bytes / bandwidth). M-12
 * A window reduction has one operation per output and window element.
 */
static enum err_code cost_vector_layer(const struct layer_shape *shape,
                                       const struct soc_accelerator *acc,
                                       const struct soc_energy *energy, uint32_t pes,
                                       struct layer_option *option, struct err *err)
{
    uint64_t elements = 1, operations, read;
    bool fits = true;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        fits = fits && mul_size(elements, shape->extent[role], &elements);
    fits = fits && mul_size(elements, shape->passes, &operations) &&
           mul_size(shape->input_bytes + shape->weight_bytes, shape->passes, &read) &&
           operations <= NUM_MAX_SIZE - shape->epilogue_elements;
    if (!fits)
        return err_set(err, ERR_OVERFLOW, "the layer's element operations exceed 2^63-1");
    operations += shape->epilogue_elements;

    struct cost_plan plan;
    enum err_code rc = cost_plan_stream(shape, elements, acc->scratchpad_bytes, &plan, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t bytes_per_cycle = acc->scratchpad_bytes_per_cycle;
    uint64_t lanes = min_u64(pes, acc->vector_lanes);
    option->cycles = ceil_div_u64(operations, lanes);
    if (bytes_per_cycle)
        option->cycles =
            max_u64(option->cycles, ceil_div_u64(read + shape->output_bytes, bytes_per_cycle));
    option->tiles = (uint8_t)plan.tiles;
    option->scratchpad_bytes = plan.scratchpad_bytes;
    option->scratchpad_read_bytes = read;
    option->scratchpad_write_bytes = shape->output_bytes;
    option->memory_read_bytes = plan.memory_read_bytes;
    option->memory_write_bytes = plan.memory_write_bytes;
    option->energy = vector_energy(shape, (double)operations, energy);
    add_memories(option, shape, energy);
    return ERR_OK;
}

/* docs/model.md M-19 */
uint64_t cost_compute_ps(uint64_t cycles, const struct soc_accelerator *acc)
{
    return max_u64(1, cycles_to_ps(cycles, acc->clock_hz));
}

enum err_code cost_allotted_layer(const struct layer_shape *shape,
                                  const struct soc_accelerator *acc,
                                  const struct soc_energy *energy,
                                  const struct cost_allotment *allotment, struct layer_option *out,
                                  struct err *err)
{
    const char *kind = op_kind_names[shape->kind];
    if (!(acc->supports & 1u << shape->kind))
        return err_set(err, ERR_INFEASIBLE, "accelerator \"%s\" does not support %s", acc->name,
                       kind);
    struct layer_option option = { .pes = allotment->pes * allotment->replicas,
                                   .replicas = (uint16_t)allotment->replicas,
                                   .split = (uint8_t)allotment->split };
    assert(allotment->replicas >= 1 && allotment->replicas <= UINT16_MAX);
    enum err_code rc;
    if (acc->dataflow->measured.present) {
        if (!cost_measured_runs(shape, acc))
            return err_set(err, ERR_INFEASIBLE, "dataflow \"%s\" of \"%s\" has no rates for %s",
                           acc->dataflow->name, acc->name, kind);
        rc = cost_measured_layer(shape, acc, energy, &option, err);
    } else if (!op_kind_has_macs(shape->kind)) {
        rc = cost_vector_layer(shape, acc, energy, option.pes, &option, err);
    } else {
        const struct dataflow_rule *rule = rule_of(shape, acc);
        if (!rule)
            return err_set(err, ERR_INFEASIBLE, "dataflow \"%s\" of \"%s\" has no rule for %s",
                           acc->dataflow->name, acc->name, kind);
        rc = cost_array_layer(shape, acc, rule, energy, allotment, &option, err);
    }
    if (rc != ERR_OK)
        return rc;
    option.compute_ps = cost_compute_ps(option.cycles, acc);
    *out = option;
    return ERR_OK;
}

enum err_code cost_layer(const struct layer_shape *shape, const struct soc_accelerator *acc,
                         const struct soc_energy *energy, uint32_t pes, struct layer_option *out,
                         struct err *err)
{
    const struct cost_allotment one = { .pes = pes, .replicas = 1, .split = ROLE_NONE };
    return cost_allotted_layer(shape, acc, energy, &one, out, err);
}
