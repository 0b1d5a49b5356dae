/*
 * What match prints: one operator on one intrinsic (a table or the JSON of DESIGN, "Commands"),
 * and one row per intrinsic or per layer.
 */
#ifndef SOCWEAVE_CLI_MATCH_PRINT_H
#define SOCWEAVE_CLI_MATCH_PRINT_H

#include "intrinsics/intrin.h"

struct match_result {
    const struct intrin *intrin;
    const struct expr *expr;
    const char *rule, *min_extent;
    struct intrin_matches matches;
    struct intrin_choice *choices; /* ranked; owned */
};
void cli_match_release(struct match_result *result);

/* The best mapping of one layer on one intrinsic; count 0: the reason. */
struct match_row {
    const char *layer, *intrinsic; /* layer NULL: rows are intrinsics */
    struct expr expr, axes;        /* the operator's, the intrinsic's */
    size_t order, count;
    struct intrin_choice best;
    char reason[1024];
};

void cli_match_print_table(const struct match_result *result, uint64_t limit); /* 0: all rows */
void cli_match_print_json(const struct match_result *result, const char *explanation);
void cli_match_print_rows(const char *what, const struct match_row *rows, size_t count, bool json);
void cli_match_print_list(bool json);
/* The lines of the ranking model, for --explain. */
void cli_match_print_prediction(const struct intrin *intrin, const struct intrin_cost *cost,
                                struct text *out);

#endif
