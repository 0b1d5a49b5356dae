/* The files of an output folder. */
#include <stdlib.h>

#include "core/file.h"
#include "reports/report.h"

static void write_mapping(const struct report *report, struct text *out)
{
    const struct schedule *run = report->simulated ? report->simulated : report->analytic;
    mapping_write(report->problem, report->mapping, run, report->granularity,
                  report->mapper ? report->mapper : "", report->seed, out);
}

/* report.html last: who finds it finds the rest. */
static const struct {
    const char *name;
    void (*write)(const struct report *report, struct text *out);
} file_table[] = {
    { "mapping.json", write_mapping },
    { "resolved.json", report_resolved_json },
    { "layers.csv", report_layers_csv },
    { "networks.csv", report_networks_csv },
    { "convergence.csv", report_convergence_csv },
    { "trace.json", report_trace_json },
    { "result.json", report_result_json },
    { "report.html", report_html },
};

enum err_code report_write_dir(const struct report *report, const char *dir, struct err *err)
{
    enum err_code rc = file_make_dir(dir, err);
    for (size_t i = 0; rc == ERR_OK && i < sizeof file_table / sizeof *file_table; i++) {
        struct text text = { 0 };
        file_table[i].write(report, &text);
        char *file = file_join(dir, file_table[i].name);
        rc = file_write(file, text.data, text.bytes, err);
        free(file);
        text_release(&text);
    }
    return rc;
}
