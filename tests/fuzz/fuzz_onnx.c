/* ONNX files: any bytes are an error, or a graph that core's loader takes or refuses. */
#include <assert.h>

#include "frontends/onnx.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const struct dnn_dim dims[] = { { "batch", 2 }, { "sequence", (int64_t)(count % 4) } };
    struct onnx_options options = { .dims = dims, .dim_count = 2, .allow_unsupported = count % 2 };
    struct err err = ERR_INIT;
    struct text json = { 0 };
    struct onnx_report report;
    struct dnn dnn;
    if (onnx_import_bytes("fuzz.onnx", bytes, count, &options, &json, &report, &err) == ERR_OK) {
        assert(json.data);
        if (dnn_load_text(&dnn, "fuzz.onnx", json.data, json.bytes, &err) == ERR_OK)
            dnn_release(&dnn);
        onnx_report_release(&report);
    }
    text_release(&json);
    return 0;
}
