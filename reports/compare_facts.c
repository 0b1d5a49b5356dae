/* From rows to what is said of them: values per case, pairs, single contestants. */
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "reports/compare.h"

#define TIE_FRAC 1e-4

size_t report_compare_row_count(const struct report_compare *compare)
{
    return compare->case_count * compare->contestant_count * compare->seed_count;
}

struct report_compare_row *report_compare_row(const struct report_compare *compare, size_t case_,
                                              size_t contestant, size_t seed)
{
    return &compare->rows[(case_ * compare->contestant_count + contestant) * compare->seed_count +
                          seed];
}

double report_compare_row_value(const struct report_compare *compare,
                                const struct report_compare_row *row)
{
    return objective_value(compare->objective, row->makespan_ps, row->energy_pj);
}

static double analytic_of(const struct report_compare *compare,
                          const struct report_compare_row *row)
{
    (void)compare;
    return (double)row->analytic_makespan_ps;
}

static double energy_of(const struct report_compare *compare, const struct report_compare_row *row)
{
    (void)compare;
    return row->energy_pj;
}

typedef double row_figure(const struct report_compare *compare,
                          const struct report_compare_row *row);

/* Geometric mean over the seeds of one contestant on one case. */
static double over_seeds(const struct report_compare *c, size_t case_, size_t contestant,
                         row_figure *figure)
{
    double sum = 0;
    for (size_t s = 0; s < c->seed_count; s++)
        sum += log(figure(c, report_compare_row(c, case_, contestant, s)));
    return exp(sum / (double)c->seed_count);
}

static bool is_complete(const struct report_compare *c, size_t case_)
{
    for (size_t m = 0; m < c->contestant_count; m++)
        for (size_t s = 0; s < c->seed_count; s++)
            if (!report_compare_row(c, case_, m, s)->done)
                return false;
    return true;
}

/* Geomean over the complete cases of baseline / contestant. */
static double mean_ratio(const struct report_compare_facts *f, size_t contestant, size_t baseline,
                         row_figure *figure)
{
    double sum = 0;
    for (size_t i = 0; i < f->case_count; i++)
        sum += log(over_seeds(f->compare, f->cases[i], baseline, figure) /
                   over_seeds(f->compare, f->cases[i], contestant, figure));
    return f->case_count ? exp(sum / (double)f->case_count) : 1;
}

static void fill_pair(struct report_compare_facts *f, size_t contestant, size_t baseline)
{
    struct report_compare_pair *pair =
        &f->pairs[contestant * f->compare->contestant_count + baseline];
    double *ratios = mem_alloc(f->case_count + 1, sizeof *ratios);
    double *logs = mem_alloc(f->case_count + 1, sizeof *logs);
    *pair = (struct report_compare_pair){ .contestant = contestant,
                                          .baseline = baseline,
                                          .cases = f->case_count,
                                          .worst = f->case_count ? INFINITY : 1,
                                          .best = f->case_count ? 0 : 1 };
    for (size_t i = 0; i < f->case_count; i++) {
        ratios[i] = report_compare_value(f, f->cases[i], baseline) /
                    report_compare_value(f, f->cases[i], contestant);
        logs[i] = log(ratios[i]);
        pair->wins += ratios[i] > 1 + TIE_FRAC;
        pair->losses += ratios[i] < 1 - TIE_FRAC;
        pair->worst = fmin(pair->worst, ratios[i]);
        pair->best = fmax(pair->best, ratios[i]);
    }
    pair->ties = pair->cases - pair->wins - pair->losses;
    pair->speedup = report_compare_geomean(ratios, f->case_count);
    pair->interval = report_compare_bootstrap(ratios, f->case_count, f->compare->first_seed);
    pair->p = report_compare_wilcoxon(logs, f->case_count);
    pair->energy_ratio = mean_ratio(f, contestant, baseline, energy_of);
    pair->analytic_ratio = mean_ratio(f, contestant, baseline, analytic_of);
    free(logs);
    free(ratios);
}

/* The p-values of one contestant against all its baselines are one family. */
static void adjust_pairs(struct report_compare_facts *f, size_t contestant)
{
    size_t count = f->compare->contestant_count, family = 0;
    double *p = mem_alloc(count, sizeof *p);
    struct report_compare_pair *row = &f->pairs[contestant * count];
    for (size_t b = 0; b < count; b++)
        if (b != contestant)
            p[family++] = row[b].p;
    report_compare_holm(p, family);
    family = 0;
    for (size_t b = 0; b < count; b++)
        if (b != contestant)
            row[b].p_holm = p[family++];
    free(p);
}

static double gap_of(uint64_t makespan_ps, uint64_t bound_ps)
{
    return bound_ps ? (double)makespan_ps / (double)bound_ps : 1;
}

static double spread_of(const struct report_compare *c, size_t case_, size_t contestant)
{
    double low = INFINITY, high = 0;
    for (size_t s = 0; s < c->seed_count; s++) {
        double value = report_compare_row_value(c, report_compare_row(c, case_, contestant, s));
        low = fmin(low, value);
        high = fmax(high, value);
    }
    return high / low - 1;
}

static void fill_single(struct report_compare_facts *f, size_t contestant)
{
    const struct report_compare *c = f->compare;
    struct report_compare_single *out = &f->singles[contestant];
    double gap = 0, analytic_gap = 0, contention = 0, worst = 1, analytic_worst = 1;
    for (size_t i = 0; i < f->case_count; i++) {
        for (size_t s = 0; s < c->seed_count; s++) {
            const struct report_compare_row *row =
                report_compare_row(c, f->cases[i], contestant, s);
            double simulated = gap_of(row->makespan_ps, row->lower_bound_ps);
            double analytic = gap_of(row->analytic_makespan_ps, row->lower_bound_ps);
            gap += log(simulated);
            analytic_gap += log(analytic);
            contention += log((double)row->makespan_ps / (double)row->analytic_makespan_ps);
            worst = fmax(worst, simulated);
            analytic_worst = fmax(analytic_worst, analytic);
            out->proved += row->lower_bound_ps && row->analytic_makespan_ps == row->lower_bound_ps;
            out->wall_s += row->wall_s;
            out->runs++;
        }
        out->spread_frac += spread_of(c, f->cases[i], contestant) / (double)f->case_count;
    }
    double runs = out->runs ? (double)out->runs : 1;
    out->cases = f->case_count;
    out->gap_frac = exp(gap / runs) - 1;
    out->analytic_gap_frac = exp(analytic_gap / runs) - 1;
    out->contention_frac = exp(contention / runs) - 1;
    out->gap_worst_frac = worst - 1;
    out->analytic_gap_worst_frac = analytic_worst - 1;
}

void report_compare_facts_init(struct report_compare_facts *facts,
                               const struct report_compare *compare)
{
    size_t count = compare->contestant_count;
    *facts = (struct report_compare_facts){ .compare = compare };
    facts->cases = mem_alloc(compare->case_count + 1, sizeof *facts->cases);
    facts->values = mem_alloc(compare->case_count * count + 1, sizeof *facts->values);
    facts->pairs = mem_alloc(count * count + 1, sizeof *facts->pairs);
    facts->singles = mem_alloc(count + 1, sizeof *facts->singles);
    for (size_t i = 0; i < compare->case_count; i++) {
        if (!is_complete(compare, i))
            continue;
        facts->cases[facts->case_count++] = i;
        for (size_t m = 0; m < count; m++)
            facts->values[i * count + m] = over_seeds(compare, i, m, report_compare_row_value);
    }
    for (size_t m = 0; m < count; m++) {
        fill_single(facts, m);
        for (size_t b = 0; b < count; b++)
            if (b != m)
                fill_pair(facts, m, b);
        adjust_pairs(facts, m);
    }
}

void report_compare_facts_release(struct report_compare_facts *facts)
{
    free(facts->cases);
    free(facts->values);
    free(facts->pairs);
    free(facts->singles);
}

double report_compare_value(const struct report_compare_facts *facts, size_t case_,
                            size_t contestant)
{
    return facts->values[case_ * facts->compare->contestant_count + contestant];
}

const struct report_compare_pair *report_compare_pair(const struct report_compare_facts *facts,
                                                      size_t contestant, size_t baseline)
{
    return &facts->pairs[contestant * facts->compare->contestant_count + baseline];
}
