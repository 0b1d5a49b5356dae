#include "tests/unit/exec_case.h"

#include <sched.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/text.h"
#include "exec/exec_plain.h"
#include "tests/test.h"

#define ENERGY                                                                                     \
    "\"energy\": { \"mac_pj\": 0, \"register_pj_per_byte\": 0, \"scratchpad_pj_per_byte\": 0, "    \
    "\"hop_pj_per_byte\": 0, \"memory_pj_per_byte\": 0, \"pe_idle_pj_per_cycle\": 0 }"

char *exec_case_soc(unsigned count, unsigned cores, bool gpu)
{
    struct text text = { 0 };
    text_printf(&text,
                "{ \"socweave\": \"soc/1\", \"name\": \"host\", \"network\": { \"topology\": "
                "\"crossbar\", \"places\": %u, \"link_bytes_per_s\": 1e9 }, \"accelerators\": [",
                count + gpu);
    for (unsigned i = 0; i < count; i++)
        text_printf(&text,
                    "%s{ \"name\": \"core%u\", \"place\": %u, \"clock_hz\": 1e9, \"pe_rows\": 1, "
                    "\"pe_cols\": %u, \"dataflow\": \"core\", \"supports\": [\"conv\", "
                    "\"depthwise\", \"gemm\", \"pool\", \"elementwise\", \"normalization\", "
                    "\"movement\"], \"scratchpad_bytes\": 1e9 }",
                    i > 0 ? ", " : "", i, i, cores);
    if (gpu)
        text_printf(&text,
                    ", { \"name\": \"gpu\", \"place\": %u, \"clock_hz\": 1e9, \"pe_rows\": 1, "
                    "\"pe_cols\": 132, \"dataflow\": \"gpu\", \"supports\": [\"conv\", "
                    "\"gemm\"], \"scratchpad_bytes\": 1e9 }",
                    count);
    text_add(&text, "], \"memory\": [ { \"name\": \"dram\", \"unlimited\": true } ], " ENERGY
                    ", \"dataflows\": [ { \"name\": \"core\", \"measured\": { \"call_ns\": 1000, "
                    "\"kinds\": {");
    static const char *const kinds[] = { "conv",        "depthwise",     "gemm",    "pool",
                                         "elementwise", "normalization", "movement" };
    for (size_t i = 0; i < 7; i++)
        text_printf(&text, "%s\"%s\": { \"ops_per_s\": 1e9 }", i > 0 ? ", " : "", kinds[i]);
    text_add(&text, "} } }");
    if (gpu)
        text_add(&text, ", { \"name\": \"gpu\", \"measured\": { \"backend\": \"cuda\", "
                        "\"call_ns\": 5000, \"kinds\": { \"conv\": { \"ops_per_s\": 1e12 }, "
                        "\"gemm\": { \"ops_per_s\": 1e12 } } } }");
    text_add(&text, " ] }");
    return text.data;
}

const char exec_case_workload[] = "{ \"socweave\": \"workload/1\", \"name\": \"w\", "
                                  "\"networks\": [ { \"graph\": \"g0.json\", \"copies\": 2 } ] }";

void exec_case_fixture(struct fixture *f, unsigned count, unsigned cores, const char *graph)
{
    char *soc = exec_case_soc(count, cores, false);
    fixture_from_text(f, soc, exec_case_workload, &graph, 1);
    free(soc);
}

struct exec_place *exec_case_places(const struct problem *problem)
{
    struct exec_place *places = mem_alloc(problem->layer_count, sizeof *places);
    for (size_t i = 0; i < problem->layer_count; i++)
        places[i] = (struct exec_place){ &backend_cpu, 1 };
    return places;
}

void exec_case_check(const struct exec_net *net)
{
    struct exec_plain_verdict verdict;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, exec_plain_compare(net, NULL, NULL, &verdict, &err));
    CHECK_STR("", verdict.first);
    CHECK_INT(0, verdict.wrong_layers);
    CHECK_INT(net->layer_count, verdict.layers);
}

unsigned exec_case_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* Concatenations, parts, another type, shapes of another rank, every step and kind of layer. */
const char exec_case_many[] =
    "{ \"socweave\": \"dnn/1\", \"name\": \"many\", \"inputs\": [ { \"name\": \"in\", \"shape\": "
    "[1, 3, 17, 17] }, { \"name\": \"rows\", \"shape\": [6, 20] } ], \"layers\": ["
    "{ \"name\": \"a\", \"op\": \"conv2d\", \"extents\": { \"n\": 1, \"k\": 20, \"c\": 3, \"p\": "
    "9, \"q\": 9, \"r\": 3, \"s\": 3 }, \"params\": { \"sh\": 2, \"sw\": 2, \"ph\": 1, \"pw\": 1 "
    "}, \"inputs\": [\"in\"], \"epilogue\": [\"relu\", \"maxpool\"], \"output_shape\": [1, 20, 5, "
    "5] },"
    "{ \"name\": \"b\", \"op\": \"conv2d\", \"extents\": { \"n\": 1, \"k\": 7, \"c\": 20, \"p\": "
    "5, \"q\": 5, \"r\": 1, \"s\": 1 }, \"inputs\": [\"a\"], \"epilogue\": [\"leaky_relu\", "
    "\"silu\", \"batchnorm\"] },"
    "{ \"name\": \"c\", \"op\": \"depthwise_conv2d\", \"extents\": { \"n\": 1, \"g\": 20, \"p\": "
    "5, \"q\": 5, \"r\": 3, \"s\": 3 }, \"params\": { \"ph\": 1, \"pw\": 1 }, \"inputs\": "
    "[\"a\"], \"epilogue\": [\"relu6\", { \"op\": \"add\", \"input\": \"a\" }] },"
    "{ \"name\": \"d\", \"op\": \"conv2d\", \"extents\": { \"n\": 1, \"k\": 8, \"c\": 27, \"p\": "
    "5, \"q\": 5, \"r\": 3, \"s\": 3 }, \"params\": { \"ph\": 1, \"pw\": 1 }, \"inputs\": [[\"b\", "
    "\"c\"]], \"epilogue\": [\"lrn\", \"maxpool\", \"hardswish\", \"upsample\"], \"output_shape\": "
    "[1, 8, 10, 10] },"
    "{ \"name\": \"e\", \"op\": \"gemm\", \"extents\": { \"m\": 1, \"n\": 33, \"k\": 500 }, "
    "\"inputs\": [\"c\"], \"epilogue\": [\"gelu\", \"sigmoid\", \"softmax\"] },"
    "{ \"name\": \"f\", \"op\": \"gemm\", \"extents\": { \"m\": 6, \"n\": 30, \"k\": 20 }, "
    "\"inputs\": [\"rows\"], \"epilogue\": [\"layernorm\", { \"op\": \"mul\", \"input\": "
    "[{ \"from\": \"d\", \"elements\": 60 }] }] },"
    "{ \"name\": \"g\", \"op\": \"batched_gemm\", \"extents\": { \"b\": 3, \"m\": 6, \"n\": 4, "
    "\"k\": 10 }, \"inputs\": [\"f\", { \"from\": \"f\", \"elements\": 120 }], \"epilogue\": "
    "[\"tanh\", \"rmsnorm\"] },"
    "{ \"name\": \"h\", \"op\": \"maxpool2d\", \"extents\": { \"n\": 1, \"k\": 8, \"p\": 5, \"q\": "
    "5, \"r\": 2, \"s\": 2 }, \"params\": { \"sh\": 2, \"sw\": 2 }, \"inputs\": [\"d\"] },"
    "{ \"name\": \"i\", \"op\": \"global_avgpool\", \"extents\": { \"k\": 8, \"r\": 5, \"s\": 5 }, "
    "\"inputs\": [\"h\"] },"
    "{ \"name\": \"j\", \"op\": \"add\", \"extents\": { \"k\": 8, \"p\": 5, \"q\": 5 }, "
    "\"inputs\": [\"h\", \"h\"] },"
    "{ \"name\": \"k\", \"op\": \"gelu\", \"extents\": { \"k\": 8, \"p\": 5, \"q\": 5 }, "
    "\"inputs\": [\"j\"] },"
    "{ \"name\": \"l\", \"op\": \"softmax\", \"extents\": { \"m\": 6, \"n\": 30 }, \"inputs\": "
    "[\"f\"] },"
    "{ \"name\": \"m\", \"op\": \"concat\", \"extents\": { \"k\": 16, \"p\": 5, \"q\": 5 }, "
    "\"inputs\": [[\"j\", \"k\"]] },"
    "{ \"name\": \"o\", \"op\": \"transposed_conv2d\", \"extents\": { \"n\": 1, \"k\": 5, \"c\": "
    "16, \"p\": 10, \"q\": 10, \"r\": 2, \"s\": 2 }, \"params\": { \"sh\": 2, \"sw\": 2 }, "
    "\"inputs\": [\"m\"] },"
    "{ \"name\": \"p\", \"op\": \"grouped_conv2d\", \"extents\": { \"n\": 1, \"g\": 2, \"k\": 3, "
    "\"c\": 8, \"p\": 5, \"q\": 5, \"r\": 3, \"s\": 3 }, \"params\": { \"ph\": 1, \"pw\": 1 }, "
    "\"inputs\": [\"m\"], \"epilogue\": [\"globalavgpool\"], \"output_shape\": [1, 6] },"
    "{ \"name\": \"q\", \"op\": \"transpose\", \"extents\": { \"k\": 16, \"p\": 5, \"q\": 5 }, "
    "\"inputs\": [\"m\"] },"
    "{ \"name\": \"r\", \"op\": \"move\", \"extents\": { \"k\": 4, \"p\": 5, \"q\": 5 }, "
    "\"inputs\": [\"q\"] },"
    "{ \"name\": \"s\", \"op\": \"conv2d\", \"types\": { \"output\": \"s8\" }, \"extents\": { "
    "\"n\": 1, \"k\": 9, \"c\": 4, \"p\": 5, \"q\": 5, \"r\": 1, \"s\": 1 }, \"inputs\": [\"r\"], "
    "\"epilogue\": [\"relu\", \"maxpool\", \"avgpool\"], \"output_shape\": [1, 9, 2, 2] },"
    "{ \"name\": \"t\", \"op\": \"gemm\", \"extents\": { \"m\": 4, \"n\": 7, \"k\": 9 }, "
    "\"inputs\": [\"s\"] } ] }";
