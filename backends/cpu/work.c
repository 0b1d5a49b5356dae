#include "backends/cpu/work.h"

#include <math.h>
#include <stdlib.h>

#define VECTOR_BYTES 64
#define PRODUCT_OPS  128 /* of one vpdpbusd on 512 bits */
/* Of L1: what is used again there is still there. The rest is for what passes through; assumed (a
 * quarter of the ways). */
#define L1_REUSED_FRAC 0.75

enum term {
    PRODUCTS,
    LOADS,
    CHAIN,
    TILES,
    STORES,
    LANES,

    L2,
    L3,
    MEMORY,
    PACKING,
    EPILOGUE,
    CALL,
    TERMS
};

static const char *const names[TERMS] = { "products", "loads",     "latency",  "tiles",
                                          "stores",   "depthwise", "L2",       "L3",
                                          "memory",   "packing",   "epilogue", "call" };

/* Of one of the threads, in ns; 0 if the rate is not known. */
static double one_ns(double amount, double rate, unsigned threads)
{
    return rate > 0 ? amount / rate * threads * 1e9 : 0;
}

/* --- the core ------------------------------------------------------------------------------- */

/* docs/model.md M-145, M-146 */
static void time_tiles(const struct kernel_work *work, const struct intrin_rates *rates, double *ns)
{
    double product_ns = one_ns(PRODUCT_OPS, rates->peak_ops_per_s, rates->threads);
    double load_ns = one_ns(VECTOR_BYTES, rates->l1_bytes_per_s, rates->threads);
    double store_ns = one_ns(VECTOR_BYTES, rates->l1_write_bytes_per_s, rates->threads);
    for (size_t i = 0; i < work->tile_count; i++) {
        const struct kernel_work_tiles *t = &work->tiles[i];
        double sums = (double)t->rows * t->vectors, products_ns = sums * product_ns;
        double loads_ns = (t->rows * (t->even ? 1 : 1.5) + t->vectors) * load_ns;
        double step_ns = products_ns > loads_ns ? products_ns : loads_ns;
        enum term bound = rates->chain_ns > step_ns ? CHAIN
                          : products_ns >= loads_ns ? PRODUCTS
                                                    : LOADS;
        ns[bound] += t->steps * (bound == CHAIN ? rates->chain_ns : step_ns);
        ns[TILES] += t->tiles * rates->tile_ns;
        ns[STORES] += t->tiles * sums * store_ns * (1 + work->split_frac);
    }
}

/* Returns the time of its loads, which the kernels' own times contain. docs/model.md M-149 */
static double time_lanes(const struct kernel_work_lanes *work, const struct intrin_rates *rates,
                         double *ns)
{
    ns[LANES] = work->window_columns * rates->window_column_ns +
                work->window_rows * rates->window_row_ns +
                work->window_runs * rates->window_run_ns + work->quads * rates->lanes_quad_ns +
                work->rows * rates->lanes_row_ns;
    ns[STORES] += work->stores * one_ns(VECTOR_BYTES, rates->l1_write_bytes_per_s, rates->threads);
    return work->loads * one_ns(VECTOR_BYTES, rates->l1_bytes_per_s, rates->threads);
}

/* --- streams -------------------------------------------------------------------------------- */

/* Adds to the term of the level that serves it; returns what. docs/model.md M-147 */
static double time_stream(const struct kernel_work_stream *stream,
                          const struct intrin_calibration *machine,
                          const struct intrin_rates *rates, double *ns)
{
    const struct {
        double holds_bytes, read, write;
        enum term term;
    } levels[] = {
        { machine->l2_bytes, rates->l2_bytes_per_s, rates->l2_write_bytes_per_s, L2 },
        { machine->l3_bytes, rates->l3_bytes_per_s, rates->l3_write_bytes_per_s, L3 },
        { INFINITY, rates->memory_bytes_per_s, rates->memory_write_bytes_per_s, MEMORY },
    };
    if (stream->between_bytes <= L1_REUSED_FRAC * machine->l1_bytes)
        return 0; /* the core's own loads and stores */
    size_t l = 0;
    while (stream->between_bytes > levels[l].holds_bytes)
        l++;
    double taken =
        one_ns(stream->bytes, stream->writes ? levels[l].write : levels[l].read, rates->threads);
    ns[levels[l].term] += taken;
    return taken;
}

/* Both at once: the longer one, and what shows of the shorter. docs/model.md M-148 */
static double overlapped(double core, double streams, double exposed_frac)
{
    return fmax(core, streams) + exposed_frac * fmin(core, streams);
}

/* Tiles or lanes with their streams. docs/model.md M-148 */
static double time_kernel(const struct kernel_work *work, const struct intrin_calibration *machine,
                          const struct intrin_rates *rates, double *ns)
{
    double core = 0, first = 0, scattered = 0, reads, writes = 0, f = work->first_frac;
    time_tiles(work, rates, ns);
    reads = time_lanes(&work->lanes, rates, ns);
    for (unsigned t = PRODUCTS; t <= LANES; t++)
        core += ns[t];
    for (size_t i = 0; i < work->stream_count; i++) {
        const struct kernel_work_stream *stream = &work->streams[i];
        double *sum = stream->scattered ? &scattered : stream->first ? &first : &reads;
        *(stream->writes ? &writes : sum) += time_stream(stream, machine, rates, ns);
    }
    writes = fmax(writes, ns[STORES]);
    return scattered + overlapped(core * f, first + writes * f, rates->exposed_frac) +
           overlapped(core * (1 - f), reads + writes * (1 - f), rates->exposed_frac);
}

/* --- all of it ------------------------------------------------------------------------------ */

static int longer_first(const void *a, const void *b)
{
    double x = ((const struct backend_term *)a)->ns, y = ((const struct backend_term *)b)->ns;
    return (x < y) - (x > y);
}

/* docs/model.md M-150, M-151, M-152, M-154 */
void kernel_work_forecast(const struct kernel_work *work, const struct intrin_calibration *machine,
                          struct backend_forecast *out)
{
    const struct intrin_rates *rates = intrin_rates_for(machine, work->threads);
    double ns[TERMS] = { 0 };
    double kernel = time_kernel(work, machine, rates, ns);
    ns[PACKING] =
        one_ns(work->packed_bytes,
               work->packs_along ? rates->pack_along_bytes_per_s : rates->pack_across_bytes_per_s,
               rates->threads);
    ns[EPILOGUE] = one_ns(work->epilogue_elements, rates->epilogue_elements_per_s, rates->threads);
    for (unsigned t = 0; t < TERMS; t++)
        ns[t] *= work->busiest_frac;
    ns[CALL] = work->parallel_parts * rates->call_ns;
    *out = (struct backend_forecast){ .ns = ns[CALL] + ns[PACKING] + ns[EPILOGUE] +
                                            kernel * work->busiest_frac };
    for (unsigned t = 0; t < TERMS; t++)
        if (ns[t] > 0)
            out->terms[out->count++] = (struct backend_term){ names[t], ns[t] };
    qsort(out->terms, out->count, sizeof *out->terms, longer_first);
    out->bound = out->count > 0 ? out->terms[0].name : "";
}
