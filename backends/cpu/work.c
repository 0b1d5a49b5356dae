#include "backends/cpu/work.h"

#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES 64
#define PRODUCT_OPS  128 /* of one vpdpbusd on 512 bits */

enum term {
    PRODUCTS,
    LOADS,
    CHAIN,
    TILES,
    LANES,
    L2,
    L3,
    MEMORY,
    WRITES,
    PACKING,
    EPILOGUE,
    CALL,
    TERMS
};

static const char *const names[TERMS] = { "products",  "loads",   "latency",  "tiles",
                                          "depthwise", "L2",      "L3",       "memory",
                                          "writes",    "packing", "epilogue", "call" };

/* --- the core ------------------------------------------------------------------------------- */

/* docs/model.md M-145 */
static void time_tiles(const struct kernel_work *work, const struct intrin_rates *rates, double *ns)
{
    double product_ns = PRODUCT_OPS * rates->threads / rates->peak_ops_per_s * 1e9;
    double load_ns =
        rates->l1_bytes_per_s > 0 ? VECTOR_BYTES * rates->threads / rates->l1_bytes_per_s * 1e9 : 0;
    for (size_t i = 0; i < work->tile_count; i++) {
        const struct kernel_work_tiles *t = &work->tiles[i];
        double products = t->rows * t->vectors * product_ns,
               loads = (t->rows + t->vectors) * load_ns;
        enum term bound = products >= loads ? PRODUCTS : LOADS;
        double step = products >= loads ? products : loads;
        if (rates->chain_ns > step) {
            bound = CHAIN;
            step = rates->chain_ns;
        }
        ns[bound] += t->steps * step;
        ns[TILES] += t->tiles * rates->tile_ns;
    }
}

/* --- streams -------------------------------------------------------------------------------- */

/* docs/model.md M-146 */
static void time_stream(const struct kernel_work_stream *s,
                        const struct intrin_calibration *machine, const struct intrin_rates *rates,
                        double *ns)
{
    const struct {
        double level_bytes, read, write;
        enum term term;
    } levels[] = {
        { machine->l1_bytes, 0, rates->l1_write_bytes_per_s, LOADS },
        { machine->l2_bytes, rates->l2_bytes_per_s, rates->l2_write_bytes_per_s, L2 },
        { machine->l3_bytes, rates->l3_bytes_per_s, rates->l3_write_bytes_per_s, L3 },
        { 1e30, rates->memory_bytes_per_s, rates->memory_write_bytes_per_s, MEMORY },
    };
    size_t at = 0;
    while (at < 3 && s->between_bytes > levels[at].level_bytes)
        at++;
    double rate = s->writes ? levels[at].write : levels[at].read;
    if (rate > 0)
        ns[s->writes ? WRITES : levels[at].term] += s->bytes / rate * rates->threads * 1e9;
}

/* --- all of it ------------------------------------------------------------------------------ */

static int longer(const void *a, const void *b)
{
    double x = ((const struct backend_term *)a)->ns, y = ((const struct backend_term *)b)->ns;
    return (x < y) - (x > y);
}

void kernel_work_forecast(const struct kernel_work *work, const struct intrin_calibration *machine,
                          struct backend_forecast *out)
{
    const struct intrin_rates *rates = intrin_rates_for(machine, work->threads);
    double ns[TERMS] = { 0 };
    time_tiles(work, rates, ns);
    ns[LANES] = work->lanes.quads * rates->lanes_quad_ns + work->lanes.rows * rates->lanes_row_ns;
    for (size_t i = 0; i < work->stream_count; i++)
        time_stream(&work->streams[i], machine, rates, ns);
    double pack =
        work->packs_along ? rates->pack_along_bytes_per_s : rates->pack_across_bytes_per_s;
    if (pack > 0)
        ns[PACKING] = work->packed_bytes / pack * rates->threads * 1e9;
    if (rates->epilogue_elements_per_s > 0)
        ns[EPILOGUE] =
            work->epilogue_elements / rates->epilogue_elements_per_s * rates->threads * 1e9;
    for (unsigned t = 0; t < TERMS; t++)
        ns[t] *= work->busiest_frac;
    ns[CALL] = work->parallel_parts * rates->call_ns;
    double core = ns[PRODUCTS] + ns[LOADS] + ns[CHAIN] + ns[TILES] + ns[LANES];
    double streams = ns[L2] + ns[L3] + ns[MEMORY];
    *out = (struct backend_forecast){ .ns = ns[CALL] + ns[PACKING] + ns[EPILOGUE] +
                                            (core > streams ? core : streams) };
    for (unsigned t = 0; t < TERMS; t++)
        if (ns[t] > 0)
            out->terms[out->count++] = (struct backend_term){ names[t], ns[t] };
    qsort(out->terms, out->count, sizeof *out->terms, longer);
    out->bound = out->count > 0 ? out->terms[0].name : "";
}
