#include "cost/cost_measured.h"

#include <math.h>

#include "core/num.h"
#include "cost/cost_fit.h"

bool cost_measured_runs(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    const struct dataflow_measured *measured = &acc->dataflow->measured;
    return measured->present && measured->rates[shape->kind].present;
}

/* How much an extent grows to a whole number of granules. */
static double padding(uint64_t extent, uint32_t granule)
{
    return (double)(ceil_div_u64(extent, granule) * granule) / (double)extent;
}

double cost_measured_operations(const struct layer_shape *shape,
                                const struct dataflow_measured *measured)
{
    const uint64_t *extent = shape->extent;
    double all = 1;
    if (!op_kind_has_macs(shape->kind)) {
        for (unsigned role = 1; role < ROLE_COUNT; role++)
            all *= (double)extent[role];
        return all * shape->passes;
    }
    all = 2.0 * (double)shape->macs;
    if (shape->kind == OP_DEPTHWISE)
        return all;
    uint64_t terms = extent[ROLE_C] * extent[ROLE_R] * extent[ROLE_S];
    return all * padding(extent[ROLE_K], measured->columns) * padding(terms, measured->depth);
}

static double seconds(double amount, double per_s)
{
    return per_s > 0 ? amount / per_s : 0;
}

double cost_measured_bytes(const struct layer_shape *shape, enum operand operand)
{
    static const enum role outputs[] = { ROLE_N, ROLE_G, ROLE_K, ROLE_P, ROLE_Q };
    double stored = shape->output_elem_bytes;
    if (operand == OPERAND_INPUT)
        return (double)shape->input_bytes;
    if (operand == OPERAND_WEIGHT)
        return (double)shape->weight_bytes;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        stored *= (double)shape->extent[outputs[i]];
    return stored;
}

double cost_measured_seconds(const struct layer_shape *shape,
                             const struct dataflow_measured *measured)
{
    const struct dataflow_rate *rate = &measured->rates[shape->kind];
    double all = measured->call_ns * 1e-9 +
                 seconds(cost_measured_operations(shape, measured), rate->ops_per_s) +
                 seconds((double)shape->epilogue_elements, measured->epilogue_elements_per_s);
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++)
        all +=
            seconds(cost_measured_bytes(shape, (enum operand)operand), rate->bytes_per_s[operand]);
    return all;
}

enum err_code cost_measured_layer(const struct layer_shape *shape,
                                  const struct soc_accelerator *acc,
                                  const struct soc_energy *energy, struct layer_option *option,
                                  struct err *err)
{
    double exact = cost_measured_seconds(shape, &acc->dataflow->measured) * (double)acc->clock_hz;
    double cycles = ceil(exact - 1e-6); /* a whole number may come out a rounding error above */
    if (!(cycles < (double)NUM_MAX_SIZE))
        return err_set(err, ERR_OVERFLOW, "the layer takes more than 2^63-1 cycles");
    option->cycles = max_u64((uint64_t)cycles, 1);
    option->tiles = 1;
    option->scratchpad_bytes = shape->input_bytes + shape->weight_bytes + shape->output_bytes;
    if (option->scratchpad_bytes > acc->scratchpad_bytes)
        return err_set(err, ERR_INFEASIBLE,
                       "the layer's tensors take %llu bytes, \"scratchpad_bytes\" is %llu",
                       (unsigned long long)option->scratchpad_bytes,
                       (unsigned long long)acc->scratchpad_bytes);
    option->scratchpad_read_bytes = shape->input_bytes + shape->weight_bytes;
    option->scratchpad_write_bytes = shape->output_bytes;
    option->memory_read_bytes = shape->weight_bytes + shape->external_bytes;
    option->memory_write_bytes = shape->is_sink ? shape->output_bytes : 0;
    option->energy = (struct energy_split){
        .mac_pj = ((double)shape->macs + (double)shape->epilogue_elements) * energy->mac_pj,
        .scratchpad_pj = (double)option->scratchpad_bytes * energy->scratchpad_pj_per_byte,
        .memory_pj = ((double)option->memory_read_bytes + (double)option->memory_write_bytes) *
                     energy->memory_pj_per_byte,
    };
    option->energy_pj =
        option->energy.mac_pj + option->energy.scratchpad_pj + option->energy.memory_pj;
    return ERR_OK;
}
