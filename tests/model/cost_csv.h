/* The oracle tables of tests/model/oracle and the layers and accelerators of their rows. */
#ifndef SOCWEAVE_TESTS_MODEL_COST_CSV_H
#define SOCWEAVE_TESTS_MODEL_COST_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dnn.h"
#include "core/soc.h"

/* One row: `columns` names, as many fields. Strings live until cost_csv_close(). */
struct cost_csv {
    char *text; /* the whole file, cut into strings */
    char *next; /* line to read */
    size_t column_count, row_number;
    const char *columns[32], *fields[32];
};

void cost_csv_open(struct cost_csv *csv, const char *relative_path); /* fails the test */
bool cost_csv_next(struct cost_csv *csv);
void cost_csv_close(struct cost_csv *csv);
const char *cost_csv_str(const struct cost_csv *csv, const char *column);
uint64_t cost_csv_u64(const struct cost_csv *csv, const char *column);
double cost_csv_real(const struct cost_csv *csv, const char *column);

/* Shapes with one byte per element and inputs as padded as the layer needs. */
struct layer_shape cost_shape_conv(uint64_t k, uint64_t c, uint64_t p, uint64_t q, uint64_t r,
                                   uint64_t s, uint32_t stride);
struct layer_shape cost_shape_depthwise(uint64_t g, uint64_t p, uint64_t q, uint64_t r, uint64_t s,
                                        uint32_t stride);
struct layer_shape cost_shape_gemm(uint64_t m, uint64_t n, uint64_t k);
/* macs and bytes from extents, strides and element sizes. */
void cost_shape_finish(struct layer_shape *shape);

/* 200 MHz, 24 MiB, unlimited bandwidth, everything supported. */
struct soc_accelerator cost_accelerator(const char *dataflow, uint32_t rows, uint32_t cols);

#endif
