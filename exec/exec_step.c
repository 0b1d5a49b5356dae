#include "exec/exec_step.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

#define UNIT 32.0 /* values per 1.0 of a function's argument; docs/model.md M-141 */

static const struct exec_step_row rows[] = {
    { "relu", EXEC_STEP_MAP },           { "relu6", EXEC_STEP_MAP },
    { "leaky_relu", EXEC_STEP_MAP },     { "sigmoid", EXEC_STEP_MAP },
    { "silu", EXEC_STEP_MAP },           { "hardswish", EXEC_STEP_MAP },
    { "gelu", EXEC_STEP_MAP },           { "tanh", EXEC_STEP_MAP },
    { "unary", EXEC_STEP_PASS },         { "bias_add", EXEC_STEP_PASS },
    { "scale", EXEC_STEP_PASS },         { "requantize", EXEC_STEP_PASS },
    { "batchnorm", EXEC_STEP_PASS },     { "add", EXEC_STEP_JOIN },
    { "mul", EXEC_STEP_JOIN },           { "binary", EXEC_STEP_JOIN },
    { "maxpool", EXEC_STEP_POOL },       { "avgpool", EXEC_STEP_POOL },
    { "globalavgpool", EXEC_STEP_POOL }, { "upsample", EXEC_STEP_UPSAMPLE },
    { "softmax", EXEC_STEP_ROW },        { "layernorm", EXEC_STEP_ROW },
    { "rmsnorm", EXEC_STEP_ROW },        { "lrn", EXEC_STEP_CHANNELS },
};

const struct exec_step_row *exec_step_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool is(const struct exec_step_row *step, const char *name)
{
    return strcmp(step->name, name) == 0;
}

/* --- one element ----------------------------------------------------------------------------- */

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

int exec_step_map(const struct exec_step_row *step, enum dtype type, int x)
{
    double unit = type == DT_S8 ? 127 : 255, real = x / UNIT;
    if (is(step, "relu"))
        return x > 0 ? x : 0;
    if (is(step, "relu6"))
        return x < 0 ? 0 : x > (int)(6 * UNIT) ? (int)(6 * UNIT) : x;
    if (is(step, "leaky_relu"))
        return x > 0 ? x : -((-x + 5) / 10);
    if (is(step, "sigmoid"))
        return (int)lround(unit * logistic(real));
    if (is(step, "tanh"))
        return (int)lround(unit * tanh(real));
    if (is(step, "silu"))
        return (int)lround(x * logistic(real));
    if (is(step, "hardswish"))
        return (int)lround(x * fmin(fmax(real + 3, 0), 6) / 6);
    assert(is(step, "gelu"));
    return (int)lround(x * 0.5 * (1 + erf(real / sqrt(2))));
}

int exec_step_join(const struct exec_step_row *step, enum dtype type, int x, int y)
{
    if (is(step, "mul"))
        return type == DT_S8 ? x * y >> 7 : (x * y + 127) / 255;
    return (x + y + 1) >> 1;
}

/* --- rows and channels ----------------------------------------------------------------------- */

static void softmax(enum dtype type, const uint8_t *row, size_t count, uint8_t *out)
{
    int most = exec_value(type, row[0]), unit = type == DT_S8 ? 127 : 255;
    uint64_t table[256], all = 0;
    for (size_t i = 1; i < count; i++)
        most = exec_value(type, row[i]) > most ? exec_value(type, row[i]) : most;
    for (int below = 0; below < 256; below++)
        table[below] = (uint64_t)llround(ldexp(exp(-below / UNIT), 32));
    for (size_t i = 0; i < count; i++)
        all += table[most - exec_value(type, row[i])];
    for (size_t i = 0; i < count; i++) {
        uint64_t part = table[most - exec_value(type, row[i])];
        out[i] = (uint8_t)(((unsigned)unit * part + all / 2) / all);
    }
}

/* (x - mean) / deviation; without the mean for rmsnorm. */
static void normalise(enum dtype type, bool centred, const uint8_t *row, size_t count, uint8_t *out)
{
    int64_t sum = 0, squares = 0, zero = type == DT_S8 ? 0 : 128;
    for (size_t i = 0; i < count; i++) {
        int64_t x = exec_value(type, row[i]);
        sum += x;
        squares += x * x;
    }
    double mean = centred ? (double)sum / (double)count : 0;
    double deviation = sqrt((double)squares / (double)count - mean * mean + 1);
    for (size_t i = 0; i < count; i++) {
        double x = (exec_value(type, row[i]) - mean) / deviation;
        out[i] = exec_byte(type, (int)(zero + lround(UNIT * x)));
    }
}

void exec_step_rowwise(const struct exec_step_row *step, enum dtype type, const uint8_t *row,
                       size_t count, uint8_t *out)
{
    if (is(step, "softmax"))
        softmax(type, row, count, out);
    else
        normalise(type, is(step, "layernorm"), row, count, out);
}

int exec_step_lrn(enum dtype type, int x, int64_t squares)
{
    (void)type;
    return (int)lround(x / pow(1 + (double)squares / 65536, 0.75));
}

/* --- windows --------------------------------------------------------------------------------- */

bool exec_step_is_max(const struct exec_step_row *step)
{
    return is(step, "maxpool");
}

/* Pools of a graph show how many positions come and leave: three wide where they move by one or
 * two, else as wide as they move; a mean covers every position once. */
struct exec_window exec_step_window(const struct exec_step_row *step, uint64_t in, uint64_t out,
                                    uint64_t at)
{
    struct exec_window window = { at * in / out, ceil_div_u64((at + 1) * in, out) };
    if (step->kind == EXEC_STEP_UPSAMPLE)
        window.end = window.begin + 1;
    else if (exec_step_is_max(step) && in <= 2 * out && in > 1)
        window = (struct exec_window){ window.begin - (window.begin > 0),
                                       min_u64(window.begin + 2, in) };
    return window;
}

int exec_step_mean(int64_t sum, int64_t count)
{
    int64_t twice = 2 * sum + count; /* floor(sum / count + 1/2) */
    return (int)(twice >= 0 ? twice / (2 * count) : -((-twice + 2 * count - 1) / (2 * count)));
}

/* --- tensors --------------------------------------------------------------------------------- */

void exec_step_init(struct exec_step *step)
{
    for (unsigned byte = 0; byte < 256; byte++)
        if (step->row->kind == EXEC_STEP_MAP)
            step->map[byte] =
                exec_byte(step->type, exec_step_map(step->row, step->type,
                                                    exec_value(step->type, (uint8_t)byte)));
    if (step->row->kind == EXEC_STEP_ROW && !exec_view_is_plain(&step->in))
        step->scratch = mem_alloc(exec_view_elements(&step->in), 1);
}

void exec_step_release(struct exec_step *step)
{
    free(step->scratch);
    step->scratch = NULL;
}

/* Loops that are worth vector instructions; those of every x86 will do. */

static void at_most(const uint8_t *from, size_t count, uint8_t most, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = from[i] < most ? from[i] : most;
}

static void larger_u8(uint8_t *into, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

static void larger_s8(int8_t *into, const int8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

static void mean_u8(const uint8_t *a, const uint8_t *b, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((a[i] + b[i] + 1) >> 1);
}

static void add_u8(int32_t *sums, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += from[i];
}

static void map_all(const struct exec_step *s, const uint8_t *from, uint8_t *out)
{
    size_t count = exec_view_elements(&s->in);
    if (s->type == DT_U8 && (is(s->row, "relu") || is(s->row, "relu6"))) {
        uint8_t most = is(s->row, "relu") ? 255 : (uint8_t)(6 * UNIT);
        at_most(from, count, most, out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = s->map[from[i]];
}

static void join_all(const struct exec_step *s, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    size_t count = exec_view_elements(&s->in);
    if (s->type == DT_U8 && !is(s->row, "mul")) {
        mean_u8(a, b, count, out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = exec_byte(s->type, exec_step_join(s->row, s->type, exec_value(s->type, a[i]),
                                                   exec_value(s->type, b[i])));
}

/* A view's positions as up to three nested dimensions, the last one fastest. */
static void as_volume(const struct exec_view *view, uint64_t extent[EXEC_SPATIAL_MAX])
{
    for (size_t d = 0; d < EXEC_SPATIAL_MAX; d++)
        extent[d] = 1;
    for (size_t d = 0; d < view->spatial_count; d++)
        extent[EXEC_SPATIAL_MAX - view->spatial_count + d] = view->spatial[d];
}

struct pooling {
    const struct exec_step *step;
    uint64_t in[EXEC_SPATIAL_MAX], out[EXEC_SPATIAL_MAX];
    struct exec_window windows[EXEC_SPATIAL_MAX];
    int32_t *sums; /* of a mean, by channel */
};

static void pool_add(const struct pooling *p, const uint8_t *from, bool first, uint8_t *out)
{
    size_t channels = p->step->in.channels;
    bool is_s8 = p->step->type == DT_S8;
    if (p->sums != NULL && !is_s8)
        add_u8(p->sums, from, channels);
    for (size_t c = 0; p->sums != NULL && is_s8 && c < channels; c++)
        p->sums[c] += (int8_t)from[c];
    if (p->sums != NULL)
        return;
    if (first)
        memcpy(out, from, channels);
    else if (is_s8)
        larger_s8((int8_t *)out, (const int8_t *)from, channels);
    else
        larger_u8(out, from, channels);
}

/* One result, of all channels. */
static void pool_window(const struct pooling *p, const uint8_t *from, uint8_t *out)
{
    size_t channels = p->step->in.channels;
    int64_t count = 0;
    const struct exec_window *w = p->windows;
    if (p->sums != NULL)
        memset(p->sums, 0, channels * sizeof *p->sums);
    for (uint64_t z = w[0].begin; z < w[0].end; z++)
        for (uint64_t y = w[1].begin; y < w[1].end; y++)
            for (uint64_t x = w[2].begin; x < w[2].end; x++) {
                uint64_t at = (z * p->in[1] + y) * p->in[2] + x;
                pool_add(p, from + at * channels, count++ == 0, out);
            }
    for (size_t c = 0; p->sums != NULL && c < channels; c++)
        out[c] = exec_byte(p->step->type, exec_step_mean(p->sums[c], count));
}

static void pool_all(const struct exec_step *s, const uint8_t *from, uint8_t *out)
{
    struct pooling p = { .step = s };
    bool means = s->row->kind == EXEC_STEP_POOL && !exec_step_is_max(s->row);
    as_volume(&s->in, p.in);
    as_volume(&s->out, p.out);
    if (means)
        p.sums = mem_alloc(s->in.channels, sizeof *p.sums);
    for (uint64_t n = 0; n < s->in.outer; n++) {
        const uint8_t *map = from + n * s->in.positions * s->in.channels;
        for (uint64_t at = 0; at < s->out.positions; at++, out += s->in.channels) {
            uint64_t place = at;
            for (size_t d = EXEC_SPATIAL_MAX; d-- > 0; place /= p.out[d])
                p.windows[d] = exec_step_window(s->row, p.in[d], p.out[d], place % p.out[d]);
            pool_window(&p, map, out);
        }
    }
    free(p.sums);
}

static void rows_all(const struct exec_step *s, const uint8_t *from, uint8_t *out)
{
    size_t count = exec_view_elements(&s->in);
    const uint8_t *source = from;
    if (s->scratch != NULL) {
        exec_view_to_rows(&s->in, from, s->scratch);
        source = s->scratch;
    }
    uint8_t *target = s->scratch != NULL ? s->scratch : out;
    for (size_t at = 0; at < count; at += s->row_length)
        exec_step_rowwise(s->row, s->type, source + at, s->row_length, target + at);
    if (s->scratch != NULL)
        exec_view_from_rows(&s->in, s->scratch, out);
}

static void channels_all(const struct exec_step *s, const uint8_t *from, uint8_t *out)
{
    int64_t channels = (int64_t)s->in.channels;
    uint64_t pixels = s->in.outer * s->in.positions;
    for (uint64_t at = 0; at < pixels; at++, from += channels, out += channels)
        for (int64_t c = 0; c < channels; c++) {
            int64_t squares = 0;
            for (int64_t k = c < 2 ? 0 : c - 2; k < channels && k <= c + 2; k++) {
                int64_t x = exec_value(s->type, from[k]);
                squares += x * x;
            }
            out[c] =
                exec_byte(s->type, exec_step_lrn(s->type, exec_value(s->type, from[c]), squares));
        }
}

void exec_step_run(const struct exec_step *step, const uint8_t *from, const uint8_t *second,
                   uint8_t *out)
{
    switch (step->row->kind) {
    case EXEC_STEP_PASS:
        if (out != from)
            memcpy(out, from, exec_view_elements(&step->in));
        break;
    case EXEC_STEP_MAP:
        map_all(step, from, out);
        break;
    case EXEC_STEP_JOIN:
        join_all(step, from, second, out);
        break;
    case EXEC_STEP_POOL:
    case EXEC_STEP_UPSAMPLE:
        pool_all(step, from, out);
        break;
    case EXEC_STEP_ROW:
        rows_all(step, from, out);
        break;
    case EXEC_STEP_CHANNELS:
        channels_all(step, from, out);
        break;
    }
}
