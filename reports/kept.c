#include "reports/kept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"

static const char *get_text(struct arena *arena, const struct json_node *object, const char *key)
{
    return arena_strdup(arena, json_get_str(object, key));
}

static void read_front(struct report_kept *out, const struct json_node *root, struct arena *arena)
{
    const struct json_node *rows = json_find(root, "front");
    out->front_count = rows ? json_count(rows) : 0;
    out->front = ARENA_ARRAY(arena, struct report_point, out->front_count + 1);
    for (size_t i = 0; i < out->front_count; i++) {
        const struct json_node *row = json_item(rows, i);
        out->front[i].latency_ps = (uint64_t)json_get_int(row, "latency_ps", 0, INT64_MAX);
        out->front[i].energy_pj = json_get_real(row, "energy_pj", 0, 1e300);
        if (json_get_bool_or(row, "chosen", false))
            out->front_chosen = i;
    }
}

enum err_code report_kept_load(struct report_kept *out, const char *file, struct arena *arena,
                               struct err *err)
{
    struct json_doc *doc = json_open(file);
    const struct json_node *root = json_root(doc);
    json_expect_tag(root, "result/1");
    const struct json_node *inputs = json_get(root, "inputs");
    *out = (struct report_kept){
        .soc = get_text(arena, json_get(inputs, "soc"), "file"),
        .workload = get_text(arena, json_get(inputs, "workload"), "file"),
        .mapper = get_text(arena, root, "mapper"),
        .objective = get_text(arena, root, "objective"),
        .fitness = get_text(arena, root, "fitness"),
        .command = get_text(arena, root, "command"),
        .seed = (uint64_t)json_get_int(root, "seed", 0, INT64_MAX),
        .evaluations = (uint64_t)json_get_int(root, "evaluations", 0, INT64_MAX),
        .sim_evaluations = (uint64_t)json_get_int(root, "sim_evaluations", 0, INT64_MAX),
        .interrupted = json_get_bool_or(root, "interrupted", false),
    };
    read_front(out, root, arena);
    bool refused = !json_ok(doc);
    json_close(doc, refused ? err : NULL); /* members that are not needed here are no error */
    return refused ? err->code : ERR_OK;
}

/* step,evaluations,sim_evaluations,makespan_ps,energy_pj,value */
static bool read_step(const char *row, struct report_step *out)
{
    unsigned long long evaluations, sim_evaluations, makespan_ps;
    if (sscanf(row, "%u,%llu,%llu,%llu,%lf,%lf", &out->step, &evaluations, &sim_evaluations,
               &makespan_ps, &out->best_energy_pj, &out->best_value) != 6)
        return false;
    out->evaluations = evaluations;
    out->sim_evaluations = sim_evaluations;
    out->best_makespan_ps = makespan_ps;
    return isfinite(out->best_energy_pj) && isfinite(out->best_value);
}

enum err_code report_convergence_load(const char *file, struct report_step **steps_take,
                                      size_t *count, struct err *err)
{
    char *text = NULL;
    size_t bytes, capacity = 0;
    *steps_take = NULL;
    *count = 0;
    enum err_code rc = file_read(file, &text, &bytes, err);
    char *rest = text;
    int line = 0;
    for (char *row; rc == ERR_OK && (row = strsep(&rest, "\n")) != NULL;) {
        if (line++ == 0 || !*row) /* the header, the end */
            continue;
        if (*count == capacity)
            *steps_take = mem_grow(*steps_take, capacity = 2 * capacity + 64, sizeof **steps_take);
        if (read_step(row, &(*steps_take)[*count])) {
            ++*count;
        } else {
            err_set(err, ERR_SYNTAX, "expected six numbers, got \"%.60s\"", row);
            rc = err_in_file(err, file, line, 1);
        }
    }
    free(text);
    return rc;
}
