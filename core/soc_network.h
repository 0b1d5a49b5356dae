/*
 * Reading the network of a SoC: for core/soc*.c only. First the places and links, then (when it is
 * known where accelerators and channels stand) the routes between them.
 */
#ifndef SOCWEAVE_CORE_SOC_NETWORK_H
#define SOCWEAVE_CORE_SOC_NETWORK_H

#include <stdbool.h>

#include "core/json.h"
#include "core/names.h"
#include "core/soc.h"

struct soc_network_reader {
    struct soc *soc;
    const struct json_node *node; /* "network" */
    struct names *place_numbers;  /* topology "links": by name */
    uint32_t *next_link;          /* topology "links": [to * place_count + at], built by routing */
    size_t link_capacity;
};

/* Fills topology, places, links and switching of the SoC. Errors are the document's. */
void soc_network_read(struct soc_network_reader *reader, struct soc *soc,
                      const struct json_node *node);
/* The number of a place as the topology writes it: [x, y], a number or a name. */
uint32_t soc_network_place(const struct soc_network_reader *reader, const struct json_node *node);
/* Fills the routes between all places where used[place]; an error names two without a way. */
void soc_network_route(struct soc_network_reader *reader, const bool *used);
void soc_network_done(struct soc_network_reader *reader);

/* A rate or its absence: "unlimited" is 0. */
uint64_t soc_read_rate(const struct json_node *node);
/* Nanoseconds, fractions allowed, as ps. */
uint64_t soc_read_latency_ps(const struct json_node *object, const char *key, bool required);

#endif
