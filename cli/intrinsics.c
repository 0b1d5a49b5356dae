#include "cli/intrinsics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "intrinsics/intrin.h"

static void write_axes(const struct intrin *intrin, const struct expr *expr,
                       const struct intrin_mapping *mapping, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t x = 0; x < intrin->expr.iter_count && used < size; x++) {
        char axis[128];
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s", x > 0 ? " " : "",
                                 intrin->expr.iters[x].name,
                                 intrin_axis_text(expr, mapping->axis[x], ".", axis, sizeof axis));
    }
}

static struct report_intrinsic row_of(const struct intrin_survey_row *survey,
                                      const struct expr *expr)
{
    struct intrin intrin;
    intrin_builtin(survey->intrinsic, &intrin);
    struct report_intrinsic row = {
        .name = intrin.name,
        .mappings = survey->count,
        .calls = survey->best.cost.calls,
        .padding_frac = survey->best.cost.padding_frac,
        .predicted_ns = survey->best.cost.predicted_ns,
        .limited_by = intrin_bound_names[survey->best.cost.bound],
    };
    write_axes(&intrin, expr, &survey->best.mapping, row.axes, sizeof row.axes);
    return row;
}

/* Layers too large for the model have no rows. */
static void survey_class(const struct expr *expr, struct report_intrinsics *out)
{
    struct intrin_survey_row *rows;
    size_t count;
    if (intrin_survey(expr, &rows, &count, NULL) != ERR_OK)
        return;
    out->rows = mem_alloc(count, sizeof *out->rows);
    out->count = count;
    for (size_t i = 0; i < count; i++)
        out->rows[i] = row_of(&rows[i], expr);
    free(rows);
}

struct report_intrinsics *cli_intrinsics_new(const struct problem *problem)
{
    struct report_intrinsics *all = mem_alloc(problem->class_count, sizeof *all);
    for (size_t c = 0; c < problem->class_count; c++)
        survey_class(workload_layer(problem->workload, problem->class_layer[c])->expr, &all[c]);
    return all;
}

void cli_intrinsics_free(struct report_intrinsics *intrinsics, size_t class_count)
{
    for (size_t c = 0; intrinsics != NULL && c < class_count; c++)
        free(intrinsics[c].rows);
    free(intrinsics);
}
