/* Energy of a mapping, docs/model.md M-40 to M-43. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/mapping.h"
#include "core/num.h"

/* Layers: the sum of the chosen options' energies, part by part; the way of weights and graph
 * inputs over the links is part of memory_pj. docs/model.md M-40. */
static void add_layer(struct energy_split *sum, const struct layer_option *option)
{
    sum->mac_pj += option->energy.mac_pj;
    sum->register_pj += option->energy.register_pj;
    sum->scratchpad_pj += option->energy.scratchpad_pj;
    sum->memory_pj += option->energy.memory_pj;
}

/*
 * Bytes times links of the results that layer's predecessors send it. On one accelerator they cross
 * none: writing and reading its scratchpad is part of the options. docs/model.md M-41.
 */
static double result_byte_hops(const struct problem *p, const uint32_t *accelerator_of,
                               uint32_t layer)
{
    const struct soc *soc = p->soc;
    uint32_t place = soc->accelerators[accelerator_of[layer]].place;
    double byte_hops = 0;
    for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++) {
        uint32_t from = soc->accelerators[accelerator_of[p->preds[edge].layer]].place;
        byte_hops += (double)p->preds[edge].bytes * (double)soc_hops(soc, from, place);
    }
    return byte_hops;
}

/*
 * PEs that no layer holds, over the whole run: PEs x cycles of the makespan, less what every layer
 * holds times its cycles. docs/model.md M-42.
 */
static double idle_pe_cycles(const struct soc *soc, double busy_pe_cycles, uint64_t makespan_ps)
{
    double pe_cycles = 0;
    for (size_t i = 0; i < soc->accelerator_count; i++)
        pe_cycles += (double)soc_pes(&soc->accelerators[i]) *
                     (double)soc->accelerators[i].clock_hz * (double)makespan_ps / (double)PS_PER_S;
    return pe_cycles > busy_pe_cycles ? pe_cycles - busy_pe_cycles : 0;
}

/* docs/model.md M-43. */
static double total_pj(const struct mapping_energy *energy)
{
    const struct energy_split *layers = &energy->layers;
    return layers->mac_pj + layers->register_pj + layers->scratchpad_pj + layers->memory_pj +
           energy->network_pj + energy->idle_pj;
}

struct mapping_energy mapping_energy(const struct problem *problem, const struct mapping *mapping,
                                     uint64_t makespan_ps)
{
    const struct soc *soc = problem->soc;
    struct mapping_energy energy = { 0 };
    double byte_hops = 0, busy_pe_cycles = 0;
    uint32_t *accelerator_of = mem_alloc(problem->layer_count, sizeof *accelerator_of);
    for (size_t i = 0; i < mapping->placement_count; i++)
        accelerator_of[mapping->placements[i].layer] = mapping->placements[i].accelerator;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        const struct layer_option *option =
            problem_option(problem, at->layer, at->accelerator, at->option);
        add_layer(&energy.layers, option);
        byte_hops += result_byte_hops(problem, accelerator_of, at->layer);
        busy_pe_cycles += (double)option->pes * (double)option->cycles;
    }
    free(accelerator_of);
    energy.network_pj = byte_hops * soc->energy.hop_pj_per_byte;
    energy.idle_pj =
        idle_pe_cycles(soc, busy_pe_cycles, makespan_ps) * soc->energy.pe_idle_pj_per_cycle;
    energy.total_pj = total_pj(&energy);
    return energy;
}
