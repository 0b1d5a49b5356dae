#!/bin/bash
# validate --calibrate --host and --run-mapping. Times decide nothing; results do.
. "$(dirname "$0")/lib.sh"

validate() {
    "$SOCWEAVE" validate --progress none "$@"
}

says() {
    check "$1" grep -qF -- "$2" "$WORK/status.err"
}

# A SoC of this many measured cores; host N BACKEND: and of a device.
host() {
    local accelerators="" dataflow="" places=$1 i
    for ((i = 0; i < $1; i++)); do
        accelerators+="${accelerators:+, }{ \"name\": \"core$i\", \"place\": $i, \"clock_hz\": 1e9, \"pe_rows\": 1, \"pe_cols\": 1,
            \"dataflow\": \"core\", \"supports\": [\"conv\", \"depthwise\", \"gemm\", \"pool\"], \"scratchpad_bytes\": 1e9 }"
    done
    if [ -n "$2" ]; then
        places=$(($1 + 1))
        accelerators+=", { \"name\": \"gpu\", \"place\": $1, \"clock_hz\": 1e9, \"pe_rows\": 1, \"pe_cols\": 132,
            \"dataflow\": \"gpu\", \"supports\": [\"conv\", \"gemm\"], \"scratchpad_bytes\": 1e9 }"
        dataflow=", { \"name\": \"gpu\", \"measured\": { \"backend\": \"$2\", \"call_ns\": 5000, \"kinds\": {
            \"conv\": { \"ops_per_s\": 1e12 }, \"gemm\": { \"ops_per_s\": 1e12 } } } }"
    fi
    cat <<EOF
{ "socweave": "soc/1", "name": "host", "network": { "topology": "crossbar", "places": $places, "link_bytes_per_s": 10e9 },
  "accelerators": [ $accelerators ], "memory": [ { "name": "dram", "unlimited": true } ],
  "energy": { "mac_pj": 0, "register_pj_per_byte": 0, "scratchpad_pj_per_byte": 0, "hop_pj_per_byte": 0, "memory_pj_per_byte": 0,
              "pe_idle_pj_per_cycle": 0 },
  "dataflows": [ { "name": "core", "measured": { "call_ns": 1000, "kinds": { "conv": { "ops_per_s": 100e9 },
      "depthwise": { "ops_per_s": 50e9 }, "gemm": { "ops_per_s": 100e9 }, "pool": { "ops_per_s": 1e9 } } } }$dataflow ] }
EOF
}

map() { # FOLDER SOC WORKLOAD
    "$SOCWEAVE" explore --soc "$2" --workload "$3" --budget-evals 50 --progress none --out "$1" >/dev/null
}

cores=$(nproc)
host $((cores < 2 ? cores : 2)) >"$WORK/host.json"
check host__measured_soc__is_valid "$SOCWEAVE" check "$WORK/host.json"
map "$WORK/tiny" "$WORK/host.json" tiny
run="--run-mapping $WORK/tiny/mapping.json --soc $WORK/host.json"
check_status run__tiny__ok 0 validate $run --workload tiny --runs 3 --out "$WORK/out" --json
cp "$WORK/status.out" "$WORK/run.json"
for key in runs_ps measured_makespan_ps simulated_makespan_ps error_frac error compute_ps copies_ps waits_ps modelled_ps check accelerators layers; do
    check "json__run__has_$key" grep -q "\"$key\":" "$WORK/run.json"
done
check run__tiny__results_are_right grep -q '"wrong_layers": 0' "$WORK/run.json"
check run__tiny__every_layer_compared grep -q '"check": { "layers": 9,' "$WORK/run.json"
# A mapping with a split layer, which nothing executes here; by itself explore splits nothing on measured cores.
check explore__measured_cores__layers_stay_whole test "$(grep -c '"splits"' "$WORK/tiny/mapping.json")" = 0
sed 's|^  "discipline"|  "splits": [ { "layer": "tiny-cnn/stem", "role": "K", "parts": [8, 8] } ],\n  "discipline"|' \
    "$WORK/tiny/mapping.json" >"$WORK/split.json"
"$SOCWEAVE" explore --soc "$WORK/host.json" --workload tiny --splits "$WORK/split.json" --budget-evals 50 --progress none --out "$WORK/split" >/dev/null
check_status run__split_layers__exit_6 6 validate --run-mapping "$WORK/split/mapping.json" --soc "$WORK/host.json" --workload tiny --runs 1
says run__split_layers__says_what_to_do 'map with explore --splits none'

check run__out__has_json test -f "$WORK/out/run.json"
if command -v python3 >/dev/null; then
    check run__parts_of_the_difference__add_up python3 -c "
import json, sys
r = json.load(open(sys.argv[1]))
parts = sum(r['error'].values())
sys.exit(parts != r['measured_makespan_ps'] - r['simulated_makespan_ps'] or len(r['runs_ps']) != 3
         or sorted(r['runs_ps'])[1] != r['measured_makespan_ps'])" "$WORK/run.json"
    check run__page__well_formed python3 -c "
import sys, xml.dom.minidom
xml.dom.minidom.parseString(open(sys.argv[1]).read().split('\n', 1)[1])" "$WORK/out/run.html"
fi
check_status run__text__ok 0 validate $run --workload tiny --runs 1
check run__text__says_right grep -q 'right: all 9 layers equal the reference' "$WORK/status.out"
check run__text__80_columns test -z "$(LC_ALL=C.UTF-8 awk 'length > 80' "$WORK/status.out")"
check_status run__unchecked__ok 0 validate $run --workload tiny --runs 1 --unchecked --json
check run__unchecked__says_so grep -q '"check": null' "$WORK/status.out"
SOCWEAVE_CPU_ISA=portable check_status run__portable__ok 0 validate $run --workload tiny --runs 1

# Files that are not what the mapping was made for.
mkdir -p "$WORK/dnn-graphs/workloads"
cp dnn-graphs/tiny-*.json "$WORK/dnn-graphs"
cp dnn-graphs/workloads/tiny.json "$WORK/dnn-graphs/workloads"
echo >>"$WORK/dnn-graphs/tiny-cnn.json"
check_status run__graph_changed_since__exit_3 3 validate $run --workload "$WORK/dnn-graphs/workloads/tiny.json"
says run__graph_changed_since__is_said 'the workload changed since this mapping was made'
map "$WORK/comb" comb-small-low-any tiny
check_status run__no_host__exit_3 3 validate --run-mapping "$WORK/comb/mapping.json" --soc comb-small-low-any --workload tiny
says run__no_host__is_said 'is no measured core of a machine'
host $((cores + 1)) >"$WORK/large.json"
map "$WORK/large" "$WORK/large.json" tiny
check_status run__another_machine__exit_6 6 validate --run-mapping "$WORK/large/mapping.json" --soc "$WORK/large.json" --workload tiny
says run__another_machine__is_said "has $((cores + 1)) cores, but this program may use $cores here"

# A core and a GPU; without one it says why.
host 1 cuda >"$WORK/gpu.json"
check host__with_gpu__is_valid "$SOCWEAVE" check "$WORK/gpu.json"
map "$WORK/gpu" "$WORK/gpu.json" tiny
run_gpu="--run-mapping $WORK/gpu/mapping.json --workload tiny --runs 1"
if validate --backend cuda --graph resnet8 --layer stage2_s --samples 0 >/dev/null 2>"$WORK/no-gpu"; then
    [ "$cores" -lt 2 ] || check_status run__with_gpu__ok 0 validate $run_gpu --soc "$WORK/gpu.json"
    [ "$cores" -lt 2 ] || check_status host__of_gpu__ok 0 validate --calibrate --host "$WORK/both.json" --backend cuda --workload tiny --samples 3
    [ "$cores" -lt 2 ] || check host__of_gpu__is_valid "$SOCWEAVE" check "$WORK/both.json"
else
    check_status run__without_gpu__exit_6 6 validate $run_gpu --soc "$WORK/gpu.json"
    says run__without_gpu__says_which 'accelerator "gpu" of "host" is a device of backend cuda: '
    check_status host__without_gpu__exit_6 6 validate --calibrate --host "$WORK/both.json" --backend cuda --workload tiny
    says host__without_gpu__says_why '--calibrate: backend cuda: '
    check host__without_gpu__writes_nothing test ! -e "$WORK/both.json"
    skip run__with_gpu "$(tail -n 1 "$WORK/no-gpu")"
fi
host 1 tpu >"$WORK/tpu.json"
map "$WORK/tpu" "$WORK/tpu.json" tiny
check_status run__unknown_backend__exit_3 3 validate --run-mapping "$WORK/tpu/mapping.json" --workload tiny --soc "$WORK/tpu.json"
says run__unknown_backend__is_said 'no backend "tpu" runs it'
host 1 "a name that is too long" >"$WORK/long.json"
check_status host__long_backend__exit_3 3 "$SOCWEAVE" check "$WORK/long.json"
says host__long_backend__is_said 'expected at most 15 characters, got 23'

# What the cores cannot run.
sed 's/"[us]8"/"f32"/g' dnn-graphs/tiny-mlp.json >"$WORK/dnn-graphs/tiny-mlp.json"
map "$WORK/floats" "$WORK/host.json" "$WORK/dnn-graphs/workloads/tiny.json"
check_status run__floats__exit_6 6 validate --run-mapping "$WORK/floats/mapping.json" --soc "$WORK/host.json" \
    --workload "$WORK/dnn-graphs/workloads/tiny.json"
says run__floats__names_the_layer 'layer "tiny-mlp/'
says run__floats__is_said 'only 8-bit integers can be run, got f32'

# Usage.
check_status run__threads__exit_2 2 validate $run --workload tiny --threads 2
check_status run__zero_threads__exit_2 2 validate $run --workload tiny --threads 0
check_status run__zero_runs__exit_2 2 validate $run --workload tiny --runs 0
check_status run__without_workload__exit_2 2 validate $run
check_status run__with_graph__exit_2 2 validate $run --workload tiny --graph resnet8
check_status host__without_out__exit_2 2 validate --calibrate
check_status host__both_outs__exit_2 2 validate --calibrate --out "$WORK/a" --host "$WORK/b"
check_status host__large_group__exit_6 6 validate --calibrate --host "$WORK/b" --group 64
check_status host__unwritable__exit_5 5 validate --calibrate --host /proc/nowhere/host.json --workload tiny --samples 1

# This machine as a SoC, and the whole way from there.
check_status host__of_tiny__ok 0 validate --calibrate --host "$WORK/measured.json" --workload tiny --samples 3
check host__of_tiny__is_valid "$SOCWEAVE" check "$WORK/measured.json"
map "$WORK/whole" "$WORK/measured.json" tiny
check_status host__whole_way__ok 0 validate --run-mapping "$WORK/whole/mapping.json" --soc "$WORK/measured.json" --workload tiny --runs 2
# One accelerator of two cores: its layers run on two threads.
if [ "$cores" -ge 2 ]; then
    check_status host__group_of_two__ok 0 validate --calibrate --host "$WORK/pair.json" --workload tiny --samples 1 --group 2
    check host__group_of_two__fewer_accelerators test "$(grep -c '"dataflow": ' "$WORK/pair.json")" = $((cores / 2))
    map "$WORK/grouped" "$WORK/pair.json" tiny
    check_status run__group_of_two__ok 0 validate --run-mapping "$WORK/grouped/mapping.json" --soc "$WORK/pair.json" --workload tiny --runs 2 --json
    check run__group_of_two__results_are_right grep -q '"wrong_layers": 0' "$WORK/status.out"
fi
check shipped__host__is_valid "$SOCWEAVE" check soc-configs/host.json
check shipped__host__explores "$SOCWEAVE" explore --soc soc-configs/host.json --workload vision-light --budget-evals 20 --progress none --out "$WORK/shipped"

finish
