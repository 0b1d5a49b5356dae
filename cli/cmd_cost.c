/* cost: the layer × accelerator table. */
#include <string.h>

#include "cli/cli.h"
#include "core/text.h"
#include "cost/cost.h"

struct cost_args {
    const char *soc, *workload, *layer;
    unsigned sharing;
    bool json;
};

static enum err_code parse(struct cost_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--soc", CLI_TEXT, &a->soc, "FILE", "SoC, or the name of a shipped one", .required = true },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "workload, or the name of a shipped one", .required = true },
        { "--layer", CLI_TEXT, &a->layer, "NAME", "only this layer, as NETWORK/LAYER or LAYER" },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments of PEs to show", cost_sharing_names, COST_SHARING_COUNT },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the table" },
    };
    // clang-format on
    return cli_parse("cost", options, sizeof options / sizeof *options, argc, argv, NULL, helped,
                     err);
}

static bool wanted(const struct problem *p, const struct cost_args *a, uint32_t layer)
{
    char name[512];
    if (!a->layer)
        return true;
    return !strcmp(a->layer, workload_layer_name(p->workload, layer, name, sizeof name)) ||
           !strcmp(a->layer, workload_layer(p->workload, layer)->name);
}

/* Copies of a network cost the same: without --layer, its first copy stands for all. */
static bool is_copy(const struct problem *p, uint32_t layer)
{
    const struct workload *w = p->workload;
    uint32_t network = p->network_of[layer];
    for (uint32_t i = 0; i < network; i++)
        if (w->networks[i].graph == w->networks[network].graph)
            return true;
    return false;
}

static void json_row(struct json_out *out, const struct problem *p, uint32_t layer, uint32_t acc,
                     const struct layer_option *o)
{
    char name[512];
    const struct layer_shape *shape = &workload_layer(p->workload, layer)->shape;
    json_out_object(out, NULL, true);
    json_out_str(out, "layer", workload_layer_name(p->workload, layer, name, sizeof name));
    json_out_str(out, "accelerator", p->soc->accelerators[acc].name);
    json_out_u64(out, "cycles", o->cycles);
    json_out_u64(out, "pes", o->pes);
    json_out_u64(out, "replicas", o->replicas);
    json_out_str(out, "split", o->split == ROLE_NONE ? "" : role_names[o->split]);
    json_out_u64(out, "scratchpad_bytes", o->scratchpad_bytes);
    json_out_real(out, "energy_pj", o->energy_pj);
    json_out_u64(out, "macs", shape->macs);
    json_out_u64(out, "bytes", shape->input_bytes + shape->weight_bytes + shape->output_bytes);
    json_out_u64(out, "scratchpad_read_bytes", o->scratchpad_read_bytes);
    json_out_u64(out, "scratchpad_write_bytes", o->scratchpad_write_bytes);
    json_out_u64(out, "memory_read_bytes", o->memory_read_bytes);
    json_out_u64(out, "tiles", o->tiles);
    json_out_end(out);
}

static void text_row(const struct problem *p, uint32_t layer, uint32_t acc,
                     const struct layer_option *o)
{
    char name[512], time[32], energy[32];
    const struct soc_accelerator *a = &p->soc->accelerators[acc];
    const struct layer_shape *shape = &workload_layer(p->workload, layer)->shape;
    double use = (double)shape->macs / ((double)o->cycles * (double)soc_pes(a));
    printf("%-26.26s %-10.10s %10llu %9s %6u %5.1f%% %9s\n",
           workload_layer_name(p->workload, layer, name, sizeof name), a->name,
           (unsigned long long)o->cycles, cli_time(o->compute_ps, time, sizeof time), o->pes,
           100 * use, cli_energy(o->energy_pj, energy, sizeof energy));
}

static enum err_code print_costs(const struct problem *p, const struct cost_args *a,
                                 struct err *err)
{
    struct text text = { 0 };
    struct json_out out;
    if (a->json) {
        json_out_init(&out, &text);
        json_out_object(&out, NULL, false);
        json_out_array(&out, "rows", false);
    } else {
        printf("%-26s %-10s %10s %9s %6s %6s %9s\n", "layer", "accelerator", "cycles", "time",
               "PEs", "of peak", "energy");
    }
    size_t rows = 0;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        if (!wanted(p, a, layer) || (!a->layer && is_copy(p, layer)))
            continue;
        for (uint32_t acc = 0; acc < p->accelerator_count; acc++)
            for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++, rows++) {
                const struct layer_option *o = problem_option(p, layer, acc, i);
                if (a->json)
                    json_row(&out, p, layer, acc, o);
                else
                    text_row(p, layer, acc, o);
            }
    }
    if (a->json && rows) {
        json_out_end(&out);
        json_out_end(&out);
        fputs(text.data, stdout);
    }
    text_release(&text);
    if (!rows)
        return err_set(err, ERR_USAGE, "--layer: no layer is named \"%s\" in %s", a->layer,
                       p->workload->name);
    return ERR_OK;
}

int cmd_cost(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct cost_args args = { 0 };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("cost", &err);
    if (helped)
        return 0;
    struct cli_problem problem;
    if (cli_problem_load(&problem, args.soc, args.workload, (enum cost_sharing)args.sharing,
                         &err) != ERR_OK)
        return cli_fail("cost", &err);
    enum err_code rc = print_costs(&problem.problem, &args, &err);
    cli_problem_release(&problem);
    return rc == ERR_OK ? 0 : cli_fail("cost", &err);
}
