#include "core/evaluator.h"

const char *const objective_names[OBJECTIVE_COUNT] = { "latency", "energy", "edp", "deadline",
                                                       "xrbench" };
