/*
 * A SoC: accelerators and memory channels at the places of a network.
 *
 * All topologies become one form: places, links that serve one packet at a time, and a fixed route
 * (a list of links) for every ordered pair of places. A mesh has a link in each direction between
 * neighbours and routes X first; a ring takes the shorter way (the ascending one if equal); a
 * crossbar has one link out of and one into every place; a bus is a single link on every route;
 * explicit links are routed by the fewest hops, at each one the lowest link number that gets
 * closer. Invariants after soc_load(): names unique, every used place reachable from every other,
 * clocks, rates and sizes in range.
 */
#ifndef SOCWEAVE_CORE_SOC_H
#define SOCWEAVE_CORE_SOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/dataflow.h"
#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SOC_ACCELERATORS_MAX 1024
#define SOC_PLACES_MAX       1024
#define SOC_CHANNELS_MAX     64
#define SOC_LINKS_MAX        65536
#define SOC_PES_MAX          (UINT32_C(1) << 31) /* of one accelerator */
#define SOC_ROUTE_LINKS_MAX  ((size_t)1 << 24)   /* all routes together: 64 MiB */

struct soc_accelerator {
    const char *name;
    uint32_t place;
    uint64_t clock_hz;
    uint32_t pe_rows, pe_cols; /* PEs = pe_rows · pe_cols */
    const struct dataflow *dataflow;
    unsigned supports;          /* bits 1u << enum op_kind */
    uint32_t shared_layers_max; /* layers that may run at the same time, >= 1 */
    uint64_t scratchpad_bytes;
    uint64_t scratchpad_bytes_per_cycle; /* 0 = unlimited */
    uint64_t local_bytes_per_s;          /* producer and consumer both here; 0 = unlimited */
    uint32_t vector_lanes; /* elements per cycle of the kinds without MACs; PEs if not given */
};

struct soc_link {
    const char *name;     /* "0,0>1,0" or as given */
    uint32_t from, to;    /* places; of a bus: 0, 0 */
    uint64_t bytes_per_s; /* 0 = unlimited */
    uint64_t latency_ps;  /* per packet, after its last byte left */
};

enum soc_switching {
    SOC_STORE_AND_FORWARD, /* a hop starts when the packet is there as a whole: COMB's
                              bandwidth/hops */
    SOC_CUT_THROUGH        /* a hop starts when the head is there */
};

struct soc_channel {
    const char *name;
    uint32_t place;
    bool unlimited; /* bypasses the network and takes no time */
    uint64_t bytes_per_s;
    uint64_t latency_ps;
};

enum soc_topology { SOC_MESH, SOC_RING, SOC_CROSSBAR, SOC_BUS, SOC_LINKS, SOC_TOPOLOGY_COUNT };
extern const char *const soc_topology_names[SOC_TOPOLOGY_COUNT]; /* "mesh", "ring", … */
extern const char *const soc_switching_names[2];                 /* by enum soc_switching */

/* How the file described the network; what counts are the places, links and routes below. */
struct soc_network {
    enum soc_topology topology;
    uint32_t columns, rows;                    /* of a mesh */
    uint64_t link_bytes_per_s, hop_latency_ps; /* of all links; not of topology "links" */
};

/* Energy per event. Bytes on a link are charged per link crossed. */
struct soc_energy {
    double mac_pj;
    double register_pj_per_byte; /* PE-local storage */
    double scratchpad_pj_per_byte;
    double hop_pj_per_byte;
    double memory_pj_per_byte;
    double pe_idle_pj_per_cycle; /* per PE and cycle of its own clock, idle ones */
};

struct soc {
    const char *name, *source, *note, *file;
    char sha256[65];
    size_t accelerator_count;
    struct soc_accelerator *accelerators;
    size_t dataflow_count; /* the file's own; accelerators may also point at built-in ones */
    struct dataflow *dataflows;
    struct soc_network network;
    size_t place_count;
    const char **place_names;
    size_t link_count;
    struct soc_link *links;
    enum soc_switching switching;
    /* Links from place a to place b, in order: route_links[route_begin[a * place_count + b] …).
     * Only between places where an accelerator or a memory channel stands; the others are empty. */
    uint32_t *route_begin, *route_links;
    size_t channel_count;
    struct soc_channel *channels;
    struct soc_energy energy;
    struct arena *arena; /* owns all of the above */
};

enum err_code soc_load(struct soc *out, const char *file, struct err *err);
/* The same from a text; `name` is the file it stands for. */
enum err_code soc_load_text(struct soc *out, const char *name, const char *text, size_t bytes,
                            struct err *err);
void soc_release(struct soc *soc);

static inline uint64_t soc_pes(const struct soc_accelerator *acc)
{
    return (uint64_t)acc->pe_rows * acc->pe_cols;
}

static inline size_t soc_hops(const struct soc *soc, uint32_t from, uint32_t to)
{
    size_t at = (size_t)from * soc->place_count + to;
    return soc->route_begin[at + 1] - soc->route_begin[at];
}

/*
 * Time of one uncontended packet between two places; 0 for 0 bytes. Store and forward: the sum over
 * the links of ceil(bytes / rate) + latency. Cut through: all latencies, and the slowest link's
 * ceil(bytes / rate) once (docs/model.md M-20, M-21).
 */
uint64_t soc_route_ps(const struct soc *soc, uint32_t from, uint32_t to, uint64_t bytes);

/* The memory channel that serves an accelerator: fewest hops (none to an unlimited one), lowest
 * index on a tie. */
uint32_t soc_channel_of(const struct soc *soc, size_t accelerator);

/* The SoC as soc/1 JSON with every default written out. */
struct text;
void soc_write(const struct soc *soc, struct text *out);

#ifdef __cplusplus
}
#endif
#endif
