#include <stdlib.h>

#include "intrinsics/intrin.h"

static int compare_rows(const void *left, const void *right)
{
    const struct intrin_survey_row *a = left, *b = right;
    if (a->best.cost.predicted_ns != b->best.cost.predicted_ns)
        return a->best.cost.predicted_ns < b->best.cost.predicted_ns ? -1 : 1;
    return a->intrinsic < b->intrinsic ? -1 : 1;
}

/* The best mapping of one intrinsic into *row; row->count 0 if there is none. */
static enum err_code survey_one(const struct intrin *intrin, const struct expr *expr,
                                struct intrin_survey_row *row, struct err *err)
{
    static const struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    struct intrin_choice *choices = NULL;
    enum err_code rc = intrin_match(intrin, expr, &options, &matches, err);
    if (rc != ERR_OK)
        return rc;
    rc = intrin_rank(intrin, expr, &matches, &choices, err);
    row->count = matches.count;
    if (rc == ERR_OK && matches.count > 0)
        row->best = choices[0];
    free(choices);
    intrin_matches_release(&matches);
    return rc;
}

enum err_code intrin_survey(const struct expr *expr, struct intrin_survey_row **rows_take,
                            size_t *count, struct err *err)
{
    struct intrin_survey_row *rows = mem_alloc(intrin_count, sizeof *rows);
    size_t used = 0;
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin;
        intrin_builtin(i, &intrin);
        if (intrin_types_fit(&intrin, expr, NULL) != ERR_OK)
            continue;
        rows[used].intrinsic = i;
        enum err_code rc = survey_one(&intrin, expr, &rows[used], err);
        if (rc != ERR_OK) {
            free(rows);
            return rc;
        }
        used += rows[used].count > 0;
    }
    qsort(rows, used, sizeof *rows, compare_rows);
    *rows_take = rows;
    *count = used;
    return ERR_OK;
}
