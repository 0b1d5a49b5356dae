#include <string.h>

#include "cli/cli.h"

// clang-format off
const struct cli_command cli_commands[] = {
    { "explore", "search the best mapping of a workload onto a SoC, simulate it, report it", NULL,
      "Builds the cost table, searches groupings and placements, replays the best ones in the SystemC\n"
      "timing model and writes result.json, mapping.json, layers.csv, trace.json, report.html and more\n"
      "into the output folder. The same seed gives the same files for any --jobs. --objective pareto finds\n"
      "the front of latency against energy: a mapping for each of its points, the knee as mapping.json.",
      "socweave explore --soc soc-configs/comb-small-low.json \\\n"
      "      --workload dnn-graphs/workloads/mixed-light.json --out out/first",
      cmd_explore },
    { "simulate", "replay one mapping in the timing model, with a trace", NULL,
      "Reads a mapping.json (as explore writes it), checks that it is legal for this SoC and workload,\n"
      "and replays it in SystemC with contention on links, ports and memory channels.",
      "socweave simulate --soc comb-small-low --workload mixed-light --mapping out/first/mapping.json \\\n"
      "      --trace trace.json",
      cmd_simulate },
    { "cost", "what each layer costs on each accelerator", NULL,
      "One row per distinct layer and accelerator: cycles, PEs, scratchpad, energy, traffic.",
      "socweave cost --soc comb-small-low --workload vision-light --layer 'resnet50#0/conv1'",
      cmd_cost },
    { "match", "all legal ways of an operator onto a hardware tensor instruction", NULL,
      "Enumerates which loops of the operator may feed which axis of the instruction (AMOS's binary\n"
      "matrices), lowers each to calls, padding and bytes, and lists them by predicted time. Exit status\n"
      "4 and the reason if there is none. Without --intrinsic: the best mapping on each intrinsic; with\n"
      "--graph and no --layer: the best for each layer.",
      "socweave match --op conv2d --extents n=1,k=128,c=128,p=28,q=28,r=3,s=3 --params ph=1,pw=1 \\\n"
      "      --intrinsic wmma.m8n32k16.f16 --min-extent fit --explain 1",
      cmd_match },
    { "validate", "run layers on real hardware: right? as fast as predicted?", NULL,
      "Runs each layer by the plan with the fastest prediction (or by several) on random data, compares\n"
      "the result with the reference, and sets the measured time beside the predicted one. Integers must\n"
      "be equal; floats may differ by a bound that follows from the types and the length of the sums.\n"
      "Layers of equal shape run once. Exit status 1 if a result is wrong, 6 if the backend is not\n"
      "available; layers that it does not support are listed with the reason.\n"
      "--calibrate --out FILE measures this machine (peak, reads of each level of memory, cost of a call)\n"
      "instead; --machine FILE then predicts from these figures. --calibrate --host FILE writes its cores\n"
      "as a SoC, with --backend cuda its GPU behind its link, too; --run-mapping executes a mapping there.",
      "socweave validate --backend cpu --graph resnet50 --threads 1 --out out/validated",
      cmd_validate },
    { "import", "turn an ONNX model into a DNN graph", "MODEL.onnx",
      "Folds constants, infers shapes, lets element-wise work join the layer before it, and writes a\n"
      "dnn/1 graph whose layers bear the names of the model's nodes. Weights are never read beyond their\n"
      "shapes. A workload may also name an .onnx file itself.",
      "socweave import resnet50.onnx -o dnn-graphs/my-resnet50.json",
      cmd_import },
    { "compare", "mappers against each other on several cases, at an equal budget", NULL,
      "Runs every mapper on every case with several seeds, judges each mapping anew in SystemC, and\n"
      "writes rows.csv, summary.csv, compare.json and compare.html (bars, geometric means, gaps to the\n"
      "bound, significance). Lists may be repeated, parted by commas, or be patterns: 'comb-*-any'. A\n"
      "mapper may have a sharing mode and lack levers: socweave@fixed, socweave-without-justify. 'all'\n"
      "stands for all of them. Ctrl-C leaves a folder that --resume goes on with.",
      "socweave compare --soc 'comb-*-any' --workload vision-light,mixed-light \\\n"
      "      --mapper socweave,comb,heft --seeds 3 --out out/compared",
      cmd_compare },
    { "sweep", "which SoC of a design space is best for a workload", NULL,
      "Searches mappings on points of a space (space/1), cheaply on many and fully on the best, and keeps\n"
      "every outcome in DIR/study.db (SQLite), the Pareto front in front.csv, sweep.json and sweep.html. The best\n"
      "mapping of a smaller SoC is replayed on bigger ones, so that none loses through search noise. Killed\n"
      "at any moment, --resume goes on and ends with the same front. Under mpirun rank 0 hands out points.\n"
      "The knee of the front and the best of each objective get whole reports (--reports) in DIR/points.",
      "socweave sweep --space soc-configs/spaces/comb-mixed.json --workload mixed-light \\\n"
      "      --budget-points 2000 --out out/swept",
      cmd_sweep },
    { "merge", "shards of a sweep put together", "DIR…",
      "Takes the outcomes of sweeps with --shard I/N over, replays mappings between them, and writes the\n"
      "front. With --strategy grid or random the study is then whole; the others' later rounds depend on\n"
      "the first: sweep --resume with the same options goes on with the merged folder.",
      "socweave merge out/shard1 out/shard2 --out out/whole",
      cmd_merge },
    { "report", "make report.html again, or compare two studies", "DIR…",
      "Reads the folder's mapping.json, replays it and writes report.html anew. The SoC and workload\n"
      "files that result.json names must still be there, unchanged. --compare sets two studies of sweep with\n"
      "the same workload and objectives side by side: both fronts, hypervolume in one box, coverage, the\n"
      "points they share, as a table and as studies.html and studies.json.",
      "socweave report out/first",
      cmd_report },
    { "check", "say whether files are valid: SoC, DNN graph, workload, mapping, intrinsic", "FILE…",
      "Reads each file as explore would and prints what it holds. A mapping is checked against\n"
      "--soc and --workload.",
      "socweave check soc-configs/*.json dnn-graphs/*.json dnn-graphs/workloads/*.json",
      cmd_check },
};
// clang-format on
const size_t cli_command_count = sizeof cli_commands / sizeof *cli_commands;

const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (!strcmp(cli_commands[i].name, name))
            return &cli_commands[i];
    return NULL;
}
