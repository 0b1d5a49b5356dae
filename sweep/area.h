/*
 * Area and power of a SoC, to first order: PEs, scratchpads, routers and memory interfaces, each by
 * its size times a published density, scaled to a technology node. Good for ranking SoCs of one
 * space against each other, not for a floor plan. docs/model.md M-90 to M-94.
 */
#ifndef SOCWEAVE_SWEEP_AREA_H
#define SOCWEAVE_SWEEP_AREA_H

#include "core/soc.h"

/* "technology" of a space file; every number may be overridden there. Sources: docs/model.md. */
struct area_technology {
    double node_nm; /* 65, 40, 28, 16, 7 or 5 */
    double pe_um2;  /* an 8-bit MAC, its registers, its share of the array's control */
    double scratchpad_mm2_per_mib; /* with banks, decoders, wires */
    double router_mm2_per_gb_s;    /* of a link, by its rate: one port of a router */
    double memory_mm2_per_gb_s;    /* of a channel: controller and PHY, by its rate */
    double other_frac;             /* of the sum of these: what has no row above */
    double idle_w_per_mm2;         /* leakage and clock of all but the PEs, whose own the SoC has */
    double activity_frac;          /* of PEs, links, channels at work, for power */
};

extern const struct area_technology area_technology_default; /* 28 nm */

struct json_node;
/* "technology"; NULL gives the default. Densities given in the file are taken as they are, the
 * others are scaled to the file's node_nm. Errors are the document's. */
void area_technology_read(const struct json_node *node, struct area_technology *out);

struct area_estimate {
    double pe_mm2, scratchpad_mm2, network_mm2, memory_mm2, other_mm2;
    double area_mm2; /* the sum */
    double dynamic_w, leakage_w;
    double power_w; /* the sum: what cooling must be made for */
};
struct area_estimate area_of(const struct soc *soc, const struct area_technology *technology);

#endif
