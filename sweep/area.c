#include "sweep/area.h"

#include "core/json.h"
#include "core/num.h"

#define MIB       1048576.0
#define UM2_MM2   1e-6
#define GB_S      1e9
#define PJ_J      1e-12
#define DENSE_MAX 1e9

/*
 * 28 nm. Source: Jouppi et al., TPU v1, ISCA 2017, table 2 and floor plan: die 331 mm², of which
 * the 65,536 MACs take 24 %, 24 MiB of buffer 29 %, two DDR3 ports of 34 GB/s together 6 %; idle 28
 * W. Router: Park et al., DAC 2012: 0.227 mm² in 45 nm with five ports of 64 bits at 1 GHz, ·
 * (28/45)². other_frac: what is missing to 331 mm² when buffer and accumulators (28 MiB) are
 * scratchpads. docs/model.md M-90 to M-92
 */
const struct area_technology area_technology_default = {
    .node_nm = 28,
    .pe_um2 = 1212,
    .scratchpad_mm2_per_mib = 4.0,
    .router_mm2_per_gb_s = 0.0022,
    .memory_mm2_per_gb_s = 0.584,
    .other_frac = 0.566,
    .idle_w_per_mm2 = 0.0846,
    .activity_frac = 1,
};

/* Area of gates and of SRAM cells against 28 nm. Pads and PHYs do not shrink. M-93 */
static const struct {
    double node_nm, logic, sram;
} nodes[] = {
    { 65, 4.7, 0.525 / 0.127 },
    { 40, 2.0, 0.242 / 0.127 },
    { 28, 1.0, 1.0 },
    { 16, 0.5, 0.070 / 0.127 },
    { 7, 0.5 / 3.2, 0.027 / 0.127 },
    { 5, 0.5 / 3.2 / 1.8, 0.021 / 0.127 },
};
#define NODE_COUNT (sizeof nodes / sizeof *nodes)

static size_t node_row(const struct json_node *node, double node_nm)
{
    for (size_t i = 0; i < NODE_COUNT; i++)
        if (nodes[i].node_nm == node_nm)
            return i;
    json_fail(node, ERR_VALUE, "expected a node of 65, 40, 28, 16, 7 or 5 nm, got %g", node_nm);
    return 2;
}

void area_technology_read(const struct json_node *node, struct area_technology *out)
{
    struct area_technology t = area_technology_default;
    if (!node) {
        *out = t;
        return;
    }
    const struct json_node *size = json_find(node, "node_nm");
    t.node_nm = size ? json_number(size, 1, 1000) : t.node_nm;
    size_t row = size ? node_row(size, t.node_nm) : 2;
    t.pe_um2 *= nodes[row].logic;
    t.router_mm2_per_gb_s *= nodes[row].logic;
    t.scratchpad_mm2_per_mib *= nodes[row].sram;
    const struct {
        const char *key;
        double *value, high;
    } rows[] = {
        { "pe_um2", &t.pe_um2, DENSE_MAX },
        { "scratchpad_mm2_per_mib", &t.scratchpad_mm2_per_mib, DENSE_MAX },
        { "router_mm2_per_gb_s", &t.router_mm2_per_gb_s, DENSE_MAX },
        { "memory_mm2_per_gb_s", &t.memory_mm2_per_gb_s, DENSE_MAX },
        { "other_frac", &t.other_frac, 100 },
        { "idle_w_per_mm2", &t.idle_w_per_mm2, 1000 },
        { "activity_frac", &t.activity_frac, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i].value = json_get_real_or(node, rows[i].key, 0, rows[i].high, *rows[i].value);
    json_get_str_or(node, "source", "");
    *out = t;
}

/* M-90, M-91, M-92 */
static void add_areas(const struct soc *soc, const struct area_technology *t,
                      struct area_estimate *out)
{
    for (size_t i = 0; i < soc->accelerator_count; i++) {
        const struct soc_accelerator *acc = &soc->accelerators[i];
        out->pe_mm2 += (double)soc_pes(acc) * t->pe_um2 * UM2_MM2;
        out->scratchpad_mm2 += (double)acc->scratchpad_bytes / MIB * t->scratchpad_mm2_per_mib;
    }
    for (size_t i = 0; i < soc->link_count; i++)
        out->network_mm2 += (double)soc->links[i].bytes_per_s / GB_S * t->router_mm2_per_gb_s;
    for (size_t i = 0; i < soc->channel_count; i++)
        out->memory_mm2 += (double)soc->channels[i].bytes_per_s / GB_S * t->memory_mm2_per_gb_s;
    double sum = out->pe_mm2 + out->scratchpad_mm2 + out->network_mm2 + out->memory_mm2;
    out->other_mm2 = sum * t->other_frac;
    out->area_mm2 = sum + out->other_mm2;
}

/* Bytes a cycle between scratchpad and array: at most one along each edge. */
static double port_bytes(const struct soc_accelerator *acc)
{
    uint64_t edges = (uint64_t)acc->pe_rows + acc->pe_cols, bound = acc->scratchpad_bytes_per_cycle;
    return (double)(bound ? min_u64(edges, bound) : edges);
}

/* M-94 */
static void add_power(const struct soc *soc, const struct area_technology *t,
                      struct area_estimate *out)
{
    double pj_per_s = 0, idle_pj_per_s = 0;
    for (size_t i = 0; i < soc->accelerator_count; i++) {
        const struct soc_accelerator *acc = &soc->accelerators[i];
        double clock_hz = (double)acc->clock_hz, pes = (double)soc_pes(acc);
        pj_per_s += clock_hz * (pes * soc->energy.mac_pj +
                                port_bytes(acc) * soc->energy.scratchpad_pj_per_byte);
        idle_pj_per_s += clock_hz * pes * soc->energy.pe_idle_pj_per_cycle;
    }
    for (size_t i = 0; i < soc->link_count; i++)
        pj_per_s += (double)soc->links[i].bytes_per_s * soc->energy.hop_pj_per_byte;
    for (size_t i = 0; i < soc->channel_count; i++)
        pj_per_s += (double)soc->channels[i].bytes_per_s * soc->energy.memory_pj_per_byte;
    out->dynamic_w = t->activity_frac * pj_per_s * PJ_J;
    out->leakage_w = idle_pj_per_s * PJ_J + (out->area_mm2 - out->pe_mm2) * t->idle_w_per_mm2;
    out->power_w = out->dynamic_w + out->leakage_w;
}

struct area_estimate area_of(const struct soc *soc, const struct area_technology *technology)
{
    struct area_estimate out = { 0 };
    add_areas(soc, technology, &out);
    add_power(soc, technology, &out);
    return out;
}
