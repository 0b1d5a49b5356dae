/* Which SoC offers at least what another does. */
#include <string.h>

#include "sweep/space_template.h"

enum { BASES = 3, PAIRS_MAX = 32 };

/* 0 stands for "unlimited". */
static bool rate_covers(uint64_t big, uint64_t small)
{
    return big == 0 || (small != 0 && big >= small);
}

static bool accelerator_covers(const struct soc_accelerator *big,
                               const struct soc_accelerator *small)
{
    return big->clock_hz >= small->clock_hz && big->pe_rows >= small->pe_rows &&
           big->pe_cols >= small->pe_cols &&
           strcmp(big->dataflow->name, small->dataflow->name) == 0 &&
           (small->supports & ~big->supports) == 0 &&
           big->shared_layers_max >= small->shared_layers_max &&
           big->scratchpad_bytes >= small->scratchpad_bytes &&
           rate_covers(big->scratchpad_bytes_per_cycle, small->scratchpad_bytes_per_cycle) &&
           rate_covers(big->local_bytes_per_s, small->local_bytes_per_s) &&
           big->vector_lanes >= small->vector_lanes;
}

static bool accelerators_cover(const struct soc *big, const struct soc *small)
{
    for (size_t i = 0; i < small->accelerator_count; i++) {
        size_t k = 0;
        while (k < big->accelerator_count &&
               strcmp(big->accelerators[k].name, small->accelerators[i].name) != 0)
            k++;
        if (k == big->accelerator_count ||
            !accelerator_covers(&big->accelerators[k], &small->accelerators[i]))
            return false;
    }
    return true;
}

/* Of the same topology; a mesh may have grown. */
static bool network_covers(const struct soc *big, const struct soc *small)
{
    const struct soc_network *b = &big->network, *s = &small->network;
    if (b->topology != s->topology ||
        (big->switching != small->switching && big->switching != SOC_CUT_THROUGH))
        return false;
    if (b->topology != SOC_LINKS)
        return rate_covers(b->link_bytes_per_s, s->link_bytes_per_s) &&
               b->hop_latency_ps <= s->hop_latency_ps && big->place_count >= small->place_count;
    if (big->link_count != small->link_count)
        return false;
    for (size_t i = 0; i < big->link_count; i++)
        if (!rate_covers(big->links[i].bytes_per_s, small->links[i].bytes_per_s) ||
            big->links[i].latency_ps > small->links[i].latency_ps)
            return false;
    return true;
}

static bool memory_covers(const struct soc *big, const struct soc *small)
{
    if (big->channel_count < small->channel_count)
        return false;
    for (size_t i = 0; i < small->channel_count; i++) {
        const struct soc_channel *b = &big->channels[i], *s = &small->channels[i];
        if (!b->unlimited && (s->unlimited || !rate_covers(b->bytes_per_s, s->bytes_per_s) ||
                              b->latency_ps > s->latency_ps))
            return false;
    }
    return true;
}

static bool energy_covers(const struct soc_energy *b, const struct soc_energy *s)
{
    return b->mac_pj <= s->mac_pj && b->register_pj_per_byte <= s->register_pj_per_byte &&
           b->scratchpad_pj_per_byte <= s->scratchpad_pj_per_byte &&
           b->hop_pj_per_byte <= s->hop_pj_per_byte &&
           b->memory_pj_per_byte <= s->memory_pj_per_byte &&
           b->pe_idle_pj_per_cycle <= s->pe_idle_pj_per_cycle;
}

bool space_soc_relaxes(const struct soc *big, const struct soc *small)
{
    return accelerators_cover(big, small) && network_covers(big, small) &&
           memory_covers(big, small) && energy_covers(&big->energy, &small->energy);
}

/* --- parameters ------------------------------------------------------------------------------- */

/* What going from value to value + 1 does, the others being `choices`; false: it makes no SoC. */
static bool compare_step(const struct space *space, uint32_t *choices, size_t parameter,
                         uint32_t value, bool *more, bool *less)
{
    struct soc low, high;
    uint32_t kept = choices[parameter];
    choices[parameter] = value;
    bool has_low = space_soc(space, space_point(space, choices), &low, NULL) == ERR_OK;
    choices[parameter] = value + 1;
    bool has_high = space_soc(space, space_point(space, choices), &high, NULL) == ERR_OK;
    choices[parameter] = kept;
    if (has_low && has_high) {
        *more &= space_soc_relaxes(&high, &low);
        *less &= space_soc_relaxes(&low, &high);
    }
    if (has_low)
        soc_release(&low);
    if (has_high)
        soc_release(&high);
    return has_low && has_high;
}

static enum space_order find_order(const struct space *space, size_t parameter)
{
    size_t steps = space->parameters[parameter].value_count - 1;
    size_t tried = steps < PAIRS_MAX ? steps : PAIRS_MAX, compared = 0;
    bool more = true, less = true;
    /* The others at their first, middle and last values: structure may depend on them. */
    for (size_t base = 0; base < BASES && (more || less); base++) {
        uint32_t choices[SPACE_PARAMETERS_MAX];
        for (size_t i = 0; i < space->parameter_count; i++)
            choices[i] = (uint32_t)((space->parameters[i].value_count - 1) * base / (BASES - 1));
        for (size_t k = 0; k < tried && (more || less); k++) {
            uint32_t value = (uint32_t)(k * steps / tried);
            compared += compare_step(space, choices, parameter, value, &more, &less);
        }
    }
    if (compared == 0 || more == less)
        return SPACE_UNORDERED;
    return more ? SPACE_MORE_IS_MORE : SPACE_LESS_IS_MORE;
}

void space_find_orders(struct space *space)
{
    for (size_t i = 0; i < space->parameter_count; i++)
        if (space->parameters[i].value_count > 1)
            space->parameters[i].order = find_order(space, i);
}

bool space_relaxes(const struct space *space, uint64_t big, uint64_t small)
{
    for (size_t i = space->parameter_count; i-- > 0;) {
        const struct space_parameter *p = &space->parameters[i];
        uint64_t b = big % p->value_count, s = small % p->value_count;
        big /= p->value_count;
        small /= p->value_count;
        if (b != s && !(p->order == SPACE_MORE_IS_MORE && b > s) &&
            !(p->order == SPACE_LESS_IS_MORE && b < s))
            return false;
    }
    return true;
}
