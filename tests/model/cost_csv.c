#include "tests/model/cost_csv.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "tests/test.h"

/* --- tables ---------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        test_fail(__FILE__, __LINE__, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    char *text = mem_alloc(bytes + 1, 1);
    if (fread(text, 1, bytes, file) != bytes)
        test_fail(__FILE__, __LINE__, "cannot read %s", path);
    fclose(file);
    return text;
}

/* Cut the next line that is no comment into fields; 0 at the end of the file. */
static size_t split_line(struct cost_csv *csv, const char **fields)
{
    while (*csv->next == '#')
        csv->next += strcspn(csv->next, "\n") + 1;
    if (*csv->next == '\0')
        return 0;
    size_t count = 0;
    for (;;) {
        fields[count++] = csv->next;
        csv->next += strcspn(csv->next, ",\n");
        char end = *csv->next;
        *csv->next = '\0';
        csv->next += end != '\0';
        if (end != ',' || count == 32)
            return count;
    }
}

void cost_csv_open(struct cost_csv *csv, const char *relative_path)
{
    *csv = (struct cost_csv){ .text = read_file(test_path(relative_path)) };
    csv->next = csv->text;
    csv->column_count = split_line(csv, csv->columns);
}

bool cost_csv_next(struct cost_csv *csv)
{
    size_t count = split_line(csv, csv->fields);
    if (count > 0)
        CHECK_INT(csv->column_count, count);
    csv->row_number += count > 0;
    return count > 0;
}

void cost_csv_close(struct cost_csv *csv)
{
    free(csv->text);
}

const char *cost_csv_str(const struct cost_csv *csv, const char *column)
{
    for (size_t i = 0; i < csv->column_count; i++)
        if (strcmp(csv->columns[i], column) == 0)
            return csv->fields[i];
    test_fail(__FILE__, __LINE__, "no column %s", column);
}

uint64_t cost_csv_u64(const struct cost_csv *csv, const char *column)
{
    return strtoull(cost_csv_str(csv, column), NULL, 10);
}

double cost_csv_real(const struct cost_csv *csv, const char *column)
{
    return strtod(cost_csv_str(csv, column), NULL);
}

/* --- layers ---------------------------------------------------------------------------------- */

static struct layer_shape blank(enum op_kind kind, uint32_t stride)
{
    struct layer_shape shape;
    memset(&shape, 0, sizeof shape);
    shape.kind = kind;
    shape.stride_h = shape.stride_w = stride;
    shape.passes = 1;
    shape.input_elem_bytes = shape.weight_elem_bytes = shape.output_elem_bytes = 1;
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        shape.extent[role] = 1;
    return shape;
}

void cost_shape_finish(struct layer_shape *shape)
{
    const uint64_t *e = shape->extent;
    uint64_t height = (e[ROLE_P] - 1) * shape->stride_h + e[ROLE_R];
    uint64_t width = (e[ROLE_Q] - 1) * shape->stride_w + e[ROLE_S];
    uint64_t outputs = e[ROLE_N] * e[ROLE_G] * e[ROLE_K] * e[ROLE_P] * e[ROLE_Q];
    uint64_t reduction = e[ROLE_C] * e[ROLE_R] * e[ROLE_S];
    shape->macs = outputs * reduction;
    shape->input_bytes =
        e[ROLE_N] * e[ROLE_G] * e[ROLE_C] * height * width * shape->input_elem_bytes;
    shape->weight_bytes = e[ROLE_G] * e[ROLE_K] * reduction * shape->weight_elem_bytes;
    shape->output_bytes = outputs * shape->output_elem_bytes;
}

struct layer_shape cost_shape_conv(uint64_t k, uint64_t c, uint64_t p, uint64_t q, uint64_t r,
                                   uint64_t s, uint32_t stride)
{
    struct layer_shape shape = blank(OP_CONV, stride);
    shape.extent[ROLE_K] = k;
    shape.extent[ROLE_C] = c;
    shape.extent[ROLE_P] = p;
    shape.extent[ROLE_Q] = q;
    shape.extent[ROLE_R] = r;
    shape.extent[ROLE_S] = s;
    cost_shape_finish(&shape);
    return shape;
}

struct layer_shape cost_shape_depthwise(uint64_t g, uint64_t p, uint64_t q, uint64_t r, uint64_t s,
                                        uint32_t stride)
{
    struct layer_shape shape = cost_shape_conv(1, 1, p, q, r, s, stride);
    shape.kind = OP_DEPTHWISE;
    shape.extent[ROLE_G] = g;
    cost_shape_finish(&shape);
    return shape;
}

struct layer_shape cost_shape_gemm(uint64_t m, uint64_t n, uint64_t k)
{
    struct layer_shape shape = cost_shape_conv(n, k, m, 1, 1, 1, 1);
    shape.kind = OP_GEMM;
    return shape;
}

/* --- accelerators ---------------------------------------------------------------------------- */

struct soc_accelerator cost_accelerator(const char *dataflow, uint32_t rows, uint32_t cols)
{
    return (struct soc_accelerator){
        .name = dataflow,
        .clock_hz = 200000000,
        .pe_rows = rows,
        .pe_cols = cols,
        .dataflow = dataflow_find(dataflow),
        .supports = (1u << OP_KIND_COUNT) - 1,
        .shared_layers_max = 1,
        .scratchpad_bytes = 24u << 20,
        .vector_lanes = rows * cols,
    };
}
