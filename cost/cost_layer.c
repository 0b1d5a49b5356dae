#include "cost/cost.h"

#include <assert.h>

#include "core/num.h"
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
    if (op_kind_has_macs(shape->kind))
        return cost_natural_rows(shape, acc) * cost_row_pes(shape, acc);
    if (!(acc->supports & 1u << shape->kind))
        return 0;
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

static enum err_code cost_array_layer(const struct layer_shape *shape,
                                      const struct soc_accelerator *acc,
                                      const struct dataflow_rule *rule,
                                      const struct soc_energy *energy, uint32_t pes,
                                      struct layer_option *option, struct err *err)
{
    struct cost_nest nest;
    struct cost_run run;
    struct cost_plan plan;
    uint64_t cols = cost_rule_cols(rule, shape, acc);
    uint64_t rows = min_u64(pes / cols, soc_pes(acc) / cols);
    assert(rows >= 1);
    enum err_code rc = cost_nest_init(&nest, shape, rule, acc, rows, err);
    if (rc == ERR_OK)
        rc = cost_nest_run(&nest, acc->scratchpad_bytes_per_cycle, &run, err);
    if (rc == ERR_OK)
        rc = cost_plan_nest(&nest, acc->scratchpad_bytes, &plan, err);
    if (rc != ERR_OK)
        return rc;
    if (!traffic_bytes(shape, &run, option))
        return err_set(err, ERR_OVERFLOW, "the layer's scratchpad traffic exceeds 2^63-1 bytes");

    /* The epilogue runs on the vector unit while the array computes. M-13 */
    uint64_t epilogue_cycles = ceil_div_u64(shape->epilogue_elements, acc->vector_lanes);
    option->cycles = max_u64(run.cycles, epilogue_cycles);
    option->tiles = plan.tiles;
    option->scratchpad_bytes = plan.scratchpad_bytes;
    option->memory_read_bytes = plan.memory_read_bytes;
    option->memory_write_bytes = plan.memory_write_bytes;
    option->energy = vector_energy(shape, (double)shape->epilogue_elements, energy);
    option->energy.mac_pj += (double)shape->macs * energy->mac_pj;
    option->energy.register_pj += register_bytes(shape, &run) * energy->register_pj_per_byte;
    add_memories(option, shape, energy);
    return ERR_OK;
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
    option->tiles = plan.tiles;
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

enum err_code cost_layer(const struct layer_shape *shape, const struct soc_accelerator *acc,
                         const struct soc_energy *energy, uint32_t pes, struct layer_option *out,
                         struct err *err)
{
    const char *kind = op_kind_names[shape->kind];
    if (!(acc->supports & 1u << shape->kind))
        return err_set(err, ERR_INFEASIBLE, "accelerator \"%s\" does not support %s", acc->name,
                       kind);
    struct layer_option option = { .pes = pes };
    enum err_code rc;
    if (!op_kind_has_macs(shape->kind)) {
        rc = cost_vector_layer(shape, acc, energy, pes, &option, err);
    } else {
        const struct dataflow_rule *rule = rule_of(shape, acc);
        if (!rule)
            return err_set(err, ERR_INFEASIBLE, "dataflow \"%s\" of \"%s\" has no rule for %s",
                           acc->dataflow->name, acc->name, kind);
        rc = cost_array_layer(shape, acc, rule, energy, pes, &option, err);
    }
    if (rc != ERR_OK)
        return rc;
    option.compute_ps = cost_compute_ps(option.cycles, acc);
    *out = option;
    return ERR_OK;
}
