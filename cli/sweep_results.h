/* What a study has found, as files and on the terminal: a function of its outcomes alone. */
#ifndef SOCWEAVE_CLI_SWEEP_RESULTS_H
#define SOCWEAVE_CLI_SWEEP_RESULTS_H

#include "ga/front.h"
#include "reports/report_format.h"
#include "sweep/drive.h"

struct cli_sweep_results {
    struct sweep_store *store;
    const enum sweep_objective *objectives;
    size_t objective_count;
    const struct sweep_record **records; /* sorted by point, then rung */
    size_t record_count, point_count, ok_count, improved_count;
    struct sweep_request *front;
    size_t front_count;
    size_t front_knee;     /* [of front] */
    bool *reported;        /* [front_count] points/POINT has a report */
    size_t *front_records; /* [front_count] into records */
    double ideal[GA_FRONT_DIMS_MAX], reference[GA_FRONT_DIMS_MAX]; /* the box of the hypervolume */
    double hypervolume_frac;
};

/* "latency,energy": distinct names of objectives; ERR_USAGE says what was expected. */
enum err_code cli_sweep_objectives(const char *list,
                                   enum sweep_objective out[SWEEP_OBJECTIVE_COUNT], size_t *count,
                                   struct err *err);
/* How an objective is written. */
struct report_measure cli_sweep_measure(enum sweep_objective objective);
const char *cli_base_name(const char *file); /* behind its last slash */

void cli_sweep_results_init(struct cli_sweep_results *out, struct sweep_store *store,
                            const enum sweep_objective *objectives, size_t objective_count);
/* sweep.json, sweep.html and front.csv into dir; every outcome into `csv` unless NULL. */
enum err_code cli_sweep_results_write(const struct cli_sweep_results *results, const char *dir,
                                      const char *csv, struct err *err);
void cli_sweep_results_print(const struct cli_sweep_results *results, const char *dir, bool json,
                             const struct sweep_drive_result *run);
void cli_sweep_results_release(struct cli_sweep_results *results);

#endif
