/* The files of an output folder. */
#include <stdlib.h>
#include <unistd.h>

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

void report_front_file(size_t point, struct text *out)
{
    text_printf(out, "front/%02zu.json", point + 1);
}

static char *front_file(const char *dir, size_t point)
{
    struct text name = { 0 };
    report_front_file(point, &name);
    char *file = file_join(dir, name.data);
    text_release(&name);
    return file;
}

static enum err_code write_point(const struct report *report, const char *dir, size_t point,
                                 struct err *err)
{
    const struct report_point *p = &report->front[point];
    struct text text = { 0 };
    char *file = front_file(dir, point);
    mapping_write(report->problem, p->mapping, p->schedule, report->granularity,
                  report->mapper ? report->mapper : "", report->seed, &text);
    enum err_code rc = file_write(file, text.data, text.bytes, err);
    free(file);
    text_release(&text);
    return rc;
}

/* What an earlier run into this folder left behind this one's last point. */
static void remove_points(const char *dir, size_t first)
{
    for (bool more = true; more; first++) {
        char *file = front_file(dir, first);
        more = unlink(file) == 0;
        free(file);
    }
}

static enum err_code write_front(const struct report *report, const char *dir, struct err *err)
{
    enum err_code rc = ERR_OK;
    if (report->front_count > 0) {
        char *folder = file_join(dir, "front");
        rc = file_make_dir(folder, err);
        free(folder);
    }
    for (size_t i = 0; rc == ERR_OK && i < report->front_count; i++)
        rc = write_point(report, dir, i, err);
    remove_points(dir, report->front_count);
    return rc;
}

enum err_code report_write_dir(const struct report *report, const char *dir, struct err *err)
{
    enum err_code rc = file_make_dir(dir, err);
    if (rc == ERR_OK)
        rc = write_front(report, dir, err);
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
