#!/bin/bash
# explore from end to end: files, determinism over --jobs, the second reading, partial results.
. "$(dirname "$0")/lib.sh"

explore() {
    "$SOCWEAVE" explore --progress none --budget-evals 1500 "$@"
}

case_args="--soc comb-small-low --workload vision-light"

check explore__jobs_1__runs explore $case_args --seed 7 --jobs 1 --out "$WORK/j1"
check explore__jobs_2__runs explore $case_args --seed 7 --jobs 2 --out "$WORK/j2"
for file in result.json mapping.json resolved.json layers.csv networks.csv convergence.csv trace.json report.html; do
    check "explore__any_jobs__same_$file" cmp "$WORK/j1/$file" "$WORK/j2/$file"
done
check explore__done__no_other_files test "$(ls -A "$WORK/j1" | wc -l)" = 8
check explore__another_seed__runs explore $case_args --seed 8 --out "$WORK/s8"
check explore__another_seed__another_mapping test "$(cmp "$WORK/j1/mapping.json" "$WORK/s8/mapping.json" 2>&1)" != ""

"$SOCWEAVE" simulate $case_args --mapping "$WORK/j1/mapping.json" --json >"$WORK/simulate.json"
check simulate__of_explored_mapping__same_makespan \
    test "$(json_value "$WORK/simulate.json" makespan_ps)" = "$(json_value "$WORK/j1/result.json" makespan_ps)"
check check__of_explored_mapping__ok "$SOCWEAVE" check $case_args "$WORK/j1/mapping.json"

check explore__without_a_lever__runs explore $case_args --seed 7 --without seeds --without justify --out "$WORK/without"
check explore__without_a_lever__is_in_the_command grep -q -e '--without seeds --without justify' "$WORK/without/result.json"
check explore__without_a_lever__another_mapping test "$(cmp "$WORK/j1/mapping.json" "$WORK/without/mapping.json" 2>&1)" != ""
check explore__unknown_lever__exit_2 test "$(explore $case_args --without sedes --out "$WORK/no" >/dev/null 2>&1; echo $?)" = 2
check explore__lever_of_another_mapper__exit_2 test "$(explore $case_args --mapper heft --without seeds --out "$WORK/no" >/dev/null 2>&1; echo $?)" = 2

explore $case_args --sharing elastic --mapper heft --out "$WORK/elastic" >/dev/null
# A split by hand: nothing but the two halves of conv1 stands where conv1 stood.
sed -e 's|"layer": "resnet50#0/conv1"[^}]*}|"layer": "resnet50#0/conv1/k0", "pes": 2048 } ] }, { "accelerator": "nvdla0", "layers": [ { "layer": "resnet50#0/conv1/k1", "pes": 2048 }|' \
    -e 's|, "start_ps": [0-9]*, "end_ps": [0-9]*||; /"makespan_ps"/d' \
    -e 's|^  "discipline"|  "splits": [ { "layer": "resnet50#0/conv1", "role": "K", "parts": [32, 32] } ],\n  "discipline"|' \
    "$WORK/elastic/mapping.json" >"$WORK/split.json"
check check__of_split_mapping__ok "$SOCWEAVE" check $case_args "$WORK/split.json"
"$SOCWEAVE" simulate $case_args --mapping "$WORK/split.json" --json >"$WORK/split-run.json"
check simulate__of_split_mapping__has_a_makespan test "$(json_value "$WORK/split-run.json" makespan_ps)" -gt 0

check explore__splits__runs explore $case_args --splits "$WORK/split.json" --out "$WORK/splits"
check explore__splits__are_in_the_mapping grep -q '"role": "K", "parts": \[32, 32\]' "$WORK/splits/mapping.json"
check explore__splits__parts_have_rows test "$(grep -c 'conv1/k[01],' "$WORK/splits/layers.csv")" = 2
check explore__splits__bound_says_so grep -q 'for these splits"' "$WORK/splits/result.json"
check check__of_searched_splits__ok "$SOCWEAVE" check $case_args "$WORK/splits/mapping.json"
cp "$WORK/splits/report.html" "$WORK/first.html"
check report__of_splits_again__runs "$SOCWEAVE" report "$WORK/splits"
check report__of_splits_again__same_bytes cmp "$WORK/first.html" "$WORK/splits/report.html"

auto() {
    explore --soc comb-large-low --workload vision-light --splits auto --seed 7 --budget-evals 300 "$@"
}
check explore__splits_auto__runs auto --jobs 1 --out "$WORK/a1"
check explore__splits_auto_jobs_2__runs auto --jobs 2 --out "$WORK/a2"
check explore__splits_auto_any_jobs__same_folder diff -r "$WORK/a1" "$WORK/a2"
check explore__splits_auto__some_are_in_the_mapping grep -q '"parts": \[' "$WORK/a1/mapping.json"
"$SOCWEAVE" simulate --soc comb-large-low --workload vision-light --mapping "$WORK/a1/mapping.json" --json >"$WORK/auto.json"
check simulate__of_found_splits__same_makespan \
    test "$(json_value "$WORK/auto.json" makespan_ps)" = "$(json_value "$WORK/a1/result.json" makespan_ps)"
check check__of_found_splits__ok "$SOCWEAVE" check --soc comb-large-low --workload vision-light "$WORK/a1/mapping.json"
check explore__found_splits__copies_are_one_network_in_the_report grep -q 'mobilenet-v2 <span class="muted">× 2' "$WORK/a1/report.html"
check explore__found_splits__graphs_are_named_once test "$(grep -o '"name": "mobilenet-v2",' "$WORK/a1/result.json" | wc -l)" = 1
check explore__found_splits_again__runs explore --soc comb-large-low --workload vision-light --splits "$WORK/a1/mapping.json" --out "$WORK/a3"
check explore__splits_auto_without_a_lever__runs auto --without contention --out "$WORK/a4"
check explore__splits_auto_without_a_lever__another_mapping test "$(cmp "$WORK/a1/mapping.json" "$WORK/a4/mapping.json" 2>&1)" != ""
"$SOCWEAVE" explore --progress none --soc comb-small-low --workload tiny --splits auto --out "$WORK/a5" >"$WORK/a5.txt"
check explore__splits_auto__says_what_is_proved bash -c "! grep -q '^proved optimal\$' '$WORK/a5.txt'"
check explore__splits_auto_of_another_mapper__exit_2 test "$(explore $case_args --mapper comb --splits auto --out "$WORK/no" >/dev/null 2>&1; echo $?)" = 2
check explore__splits_auto_for_a_front__exit_2 test "$(explore $case_args --objective pareto --splits auto --out "$WORK/no" >/dev/null 2>&1; echo $?)" = 2

prove() {
    "$SOCWEAVE" explore --progress none --soc comb-large-high --workload vision-light --sharing fixed --fitness analytic --budget-evals 20 --json \
        --prove "$1" --out "$WORK/prove" | sed -n 's/.*"proved_bound_ps": \([0-9]*\),.*/\1/p'
}
check explore__prove_with_few_nodes__the_blocks_bound test "$(prove 5)" = 6154522000
check explore__prove_with_enough_nodes__resnet50_alone test "$(prove 20000)" = 6229796000
# What a search has proved is the bound that is shown, where it is more than the bounds know.
"$SOCWEAVE" explore --soc edge-ring --workload tiny --mapper exact --progress none --json --out "$WORK/exact" >"$WORK/exact.json"
check explore__exact__its_proof_is_the_bound grep -q '"lower_bound": "branch and bound"' "$WORK/exact.json"
check explore__exact__its_proof_is_in_the_report grep -q 'by branch and bound' "$WORK/exact/report.html"

cp "$WORK/j1/report.html" "$WORK/first.html"
rm "$WORK/j1/report.html"
check report__again__runs "$SOCWEAVE" report "$WORK/j1"
check report__again__same_bytes cmp "$WORK/first.html" "$WORK/j1/report.html"

pareto() {
    explore $case_args --objective pareto --seed 7 "$@"
}
check explore__pareto__runs pareto --jobs 1 --out "$WORK/p1"
check explore__pareto_jobs_2__runs pareto --jobs 2 --out "$WORK/p2"
check explore__pareto_any_jobs__same_folder diff -r "$WORK/p1" "$WORK/p2"
check explore__pareto__knee_is_the_mapping cmp "$WORK/p1/mapping.json" \
    "$WORK/p1/$(sed -n 's/.*"mapping": "\([^"]*\)", "chosen": true.*/\1/p' "$WORK/p1/result.json")"
check explore__pareto__a_file_for_each_point test \
    "$(grep -c '"chosen": ' "$WORK/p1/result.json")" = "$(ls "$WORK/p1/front" | wc -l)"
sed -n 's/.*"latency_ps": \([0-9]*\), "energy_pj": \([0-9.e+]*\),.*/\1 \2/p' "$WORK/p1/result.json" >"$WORK/front.txt"
check explore__pareto__latency_rises_as_energy_falls awk '
    NR > 1 && !($1 > latency && $2 < energy) { exit bad = 1 } { latency = $1; energy = $2 }
    END { exit bad || NR < 2 }' "$WORK/front.txt"
"$SOCWEAVE" simulate $case_args --mapping "$WORK/p1/front/01.json" --json >"$WORK/p1.json"
check simulate__of_first_point__same_latency test \
    "$(json_value "$WORK/p1.json" makespan_ps)" = "$(head -n 1 "$WORK/front.txt" | cut -d ' ' -f 1)"
check check__of_front__ok "$SOCWEAVE" check $case_args "$WORK"/p1/front/*.json
"$SOCWEAVE" explore $case_args --objective pareto --progress none --budget-evals 300 --out "$WORK/p3" >"$WORK/terminal.txt"
check explore__pareto__terminal_within_80_columns test "$(LC_ALL=C.UTF-8 wc -L <"$WORK/terminal.txt")" -le 80
cp "$WORK/p1/report.html" "$WORK/first.html"
check report__of_front_again__runs "$SOCWEAVE" report "$WORK/p1"
check report__of_front_again__same_bytes cmp "$WORK/first.html" "$WORK/p1/report.html"
check explore__one_objective_into_the_same_folder__runs explore $case_args --out "$WORK/p2"
check explore__one_objective_into_the_same_folder__no_stale_points test -z "$(ls "$WORK/p2/front")"
check_status explore__pareto_of_another_mapper__exit_2 2 explore $case_args --objective pareto --mapper comb --out "$WORK/no"
check explore__pareto_of_another_mapper__says_which grep -q 'mapper comb searches for one objective only' "$WORK/status.err"
check_status compare__pareto__exit_2 2 "$SOCWEAVE" compare $case_args --objective pareto --out "$WORK/no"
check explore__refused__leaves_no_folder test ! -e "$WORK/no"

for mapper in heft round-robin random; do
    check "explore__mapper_${mapper}__runs" explore --soc edge-ring --workload edge-mix --mapper $mapper --out "$WORK/$mapper"
done
for granularity in layer tile; do
    check "explore__granularity_${granularity}__runs" explore --soc edge-ring --workload edge-mix --granularity $granularity --out "$WORK/$granularity"
    check "simulate__granularity_${granularity}__same_makespan" test \
        "$("$SOCWEAVE" simulate --soc edge-ring --workload edge-mix --mapping "$WORK/$granularity/mapping.json" --json | sed -n 's/.*"makespan_ps": \([0-9]*\).*/\1/p' | head -n 1)" \
        = "$(json_value "$WORK/$granularity/result.json" makespan_ps)"
done
for objective in energy edp; do
    check "explore__objective_${objective}__runs" explore $case_args --objective $objective --out "$WORK/$objective"
done
for fitness in analytic sim; do
    check "explore__fitness_${fitness}__runs" explore --soc comb-small-low --workload tiny --fitness $fitness --out "$WORK/$fitness"
done

# Ctrl-C: finish the step, write what there is, exit 130.
"$SOCWEAVE" explore --soc comb-large-low --workload mixed-heavy --budget-evals 1e7 --progress none --out "$WORK/stopped" >/dev/null 2>&1 &
program=$!
sleep 3
kill -INT $program
wait $program
check explore__interrupted__exit_130 test $? = 130
check explore__interrupted__mapping_is_legal "$SOCWEAVE" check --soc comb-large-low --workload mixed-heavy "$WORK/stopped/mapping.json"

finish
