/*
 * What cmd_validate.c hands to the parts of validate: layers on a backend (validate_layers.c),
 * and its folder of results (validate_out.c).
 */
#ifndef SOCWEAVE_CLI_VALIDATE_H
#define SOCWEAVE_CLI_VALIDATE_H

#include "backends/backend.h"
#include "cli/cli.h"
#include "core/dnn.h"
#include "intrinsics/intrin.h"
#include "reports/validation.h"

struct validate_args {
    const char *graph, *layer, *mapping, *soc, *workload;
    const char *intrinsic, *match, *out;
    const char *run_mapping, *host; /* soc/1 file to be written */
    const char *backend, *machine;  /* machine/1 file */
    unsigned sharing, progress;
    uint64_t threads, seed, samples; /* threads 0: all cores */
    uint64_t tune;                   /* tilings to measure; 0: none */
    const char *tune_cache;          /* NULL: the user's, if there is a folder for it */
    bool each, json, calibrate, unchecked;
    uint64_t runs, group; /* of a mapping; cores of an accelerator of the host */
    uint64_t matches;     /* of `match`: the N best plans; UINT64_MAX: all */
    const char *command;
};

/* Layers to run; names and layers are borrowed. */
struct validate_layer {
    const char *name;
    const struct dnn_layer *layer;
};

/*
 * Runs them one after the other. Texts and rows live in the arena. Errors are those of the input;
 * outcomes of layers stand in their rows. cli_stop ends it early with what there is.
 */
enum err_code cli_validate_layers(const struct validate_args *args, const struct backend *backend,
                                  const struct backend_probe *probe,
                                  const struct validate_layer *layers, size_t count,
                                  struct arena *arena, struct report_validation *out,
                                  struct err *err);

/* Measures this machine and writes args->out, a machine/1 file. */
enum err_code cli_validate_calibrate(const struct validate_args *args, struct err *err);

/* Times layers on this machine's cores and writes args->host, a soc/1 file. */
enum err_code cli_validate_host(const struct validate_args *args, struct err *err);

/* Executes args->run_mapping on this machine's cores. ERR_CHECK if results are wrong. */
enum err_code cli_validate_run(const struct validate_args *args, struct err *err);

/* DIR/validate.BACKEND.json, and DIR/validate.html of all such files there. */
enum err_code cli_validate_write_dir(const struct report_validation *validation, const char *dir,
                                     struct err *err);
enum err_code cli_validate_page(const char *dir, bool *any, struct err *err);

#endif
