#!/bin/bash
# compare: the same bytes for any --jobs, interrupted or not; what it refuses; what it writes.
. "$(dirname "$0")/lib.sh"

compare() {
    "$SOCWEAVE" compare --progress none --budget-evals 60 --seeds 2 "$@"
}

case_args="--case comb-small-low:tiny,edge-ring:edge-mix --mapper socweave,comb,heft"
files="inputs.json rows.csv summary.csv compare.json compare.html"

check compare__jobs_1__runs compare $case_args --jobs 1 --out "$WORK/j1"
check compare__jobs_3__runs compare $case_args --jobs 3 --out "$WORK/j3"
for file in $files; do
    check "compare__any_jobs__same_$file" cmp "$WORK/j1/$file" "$WORK/j3/$file"
done
check compare__done__no_other_files test "$(ls -A "$WORK/j1" | wc -l)" = 6
check compare__done__every_run_is_there test "$(wc -l <"$WORK/j1/rows.csv")" = $((1 + 2 * 3 * 2))
check compare__again__same_bytes bash -c "cp '$WORK/j1/compare.json' '$WORK/first.json' &&
    '$SOCWEAVE' compare --progress none --budget-evals 60 --seeds 2 $case_args --out '$WORK/j1' &&
    cmp '$WORK/first.json' '$WORK/j1/compare.json'"
check compare__of_one_run__as_explore_says test \
    "$(sed -n 's/^edge-ring,edge-mix,comb,2,\([0-9]*\),.*/\1/p' "$WORK/j1/rows.csv")" = \
    "$("$SOCWEAVE" explore --soc edge-ring --workload edge-mix --mapper comb --seed 2 --budget-evals 60 --jobs 1 \
        --progress none --json --out "$WORK/explored" | sed -n 's/.*"makespan_ps": \([0-9]*\),.*/\1/p' | head -n 1)"

# A folder as a run leaves it that was cut off: some rows, some of them without a time.
cut_off() {
    rm -rf "$1"
    cp -r "$WORK/j1" "$1"
    rm "$1/compare.json" "$1/compare.html" "$1/summary.csv"
    sed -i '4d;9,$d' "$1/rows.csv"
    sed -i '3d' "$1/timings.csv"
}
cut_off "$WORK/cut"
check_status compare__unfinished_without_resume__exit_2 2 compare $case_args --out "$WORK/cut"
check compare__unfinished_without_resume__resume_is_named grep -q -- --resume "$WORK/status.err"
check compare__resumed__runs compare $case_args --resume --out "$WORK/cut"
for file in $files; do
    check "compare__resumed__same_$file" cmp "$WORK/j1/$file" "$WORK/cut/$file"
done
check compare__resume_of_nothing__runs compare $case_args --resume --out "$WORK/fresh"
check compare__resume_of_nothing__same_rows cmp "$WORK/j1/rows.csv" "$WORK/fresh/rows.csv"

cut_off "$WORK/other"
check_status compare__resumed_with_other_budget__exit_3 3 "$SOCWEAVE" compare $case_args --seeds 2 --budget-evals 61 --resume --out "$WORK/other"
check compare__resumed_with_other_budget__is_said grep -q '"budget_evals": 61' "$WORK/status.err"
check_status compare__resumed_with_other_mappers__exit_3 3 compare --case comb-small-low:tiny,edge-ring:edge-mix --mapper comb --resume --out "$WORK/other"
sed -i '3s/,[0-9]*$/,x/' "$WORK/other/rows.csv"
check_status compare__resumed_with_damaged_rows__exit_3 3 compare $case_args --resume --out "$WORK/other"
check compare__resumed_with_damaged_rows__line_is_said grep -q 'rows.csv:3:1: ' "$WORK/status.err"

# Ctrl-C at any moment, then --resume.
"$SOCWEAVE" compare --soc comb-small-low --workload vision-light --mapper socweave,comb,heft --seeds 4 --budget-evals 400 --progress none \
    --out "$WORK/whole" >/dev/null 2>&1
"$SOCWEAVE" compare --soc comb-small-low --workload vision-light --mapper socweave,comb,heft --seeds 4 --budget-evals 400 --progress none \
    --out "$WORK/stopped" >/dev/null 2>&1 &
program=$!
for _ in $(seq 100); do
    [ -s "$WORK/stopped/rows.csv" ] && break
    sleep 0.02
done
kill -INT $program
wait $program
check compare__interrupted__exit_130 test $? = 130
check compare__interrupted__not_finished test ! -e "$WORK/stopped/compare.json"
check compare__interrupted_and_resumed__runs "$SOCWEAVE" compare --soc comb-small-low --workload vision-light --mapper socweave,comb,heft \
    --seeds 4 --budget-evals 400 --progress none --resume --out "$WORK/stopped"
for file in $files; do
    check "compare__interrupted_and_resumed__same_$file" cmp "$WORK/whole/$file" "$WORK/stopped/$file"
done

compare $case_args --json --out "$WORK/json" >"$WORK/compare.json" 2>"$WORK/compare.err"
for key in rows summary soc workload mapper seed makespan_ps analytic_makespan_ps energy_pj lower_bound_ps evaluations wall_s baseline geomean_speedup; do
    check "json__compare__has_$key" grep -q "\"$key\":" "$WORK/compare.json"
done
check json__compare__quiet_stderr test ! -s "$WORK/compare.err"
if command -v python3 >/dev/null; then
    check json__compare__parses python3 -m json.tool "$WORK/compare.json"
    check json__compare_file__parses python3 -m json.tool "$WORK/j1/compare.json"
    check html__compare__well_formed python3 -c 'import sys, xml.dom.minidom as m
text = open(sys.argv[1]).read(); m.parseString(text[text.index("<html"):])' "$WORK/j1/compare.html"
else
    skip json__compare__parses "no python3"
fi
check table__terminal__80_columns test -z "$(compare $case_args --without all --resume --out "$WORK/wide" | LC_ALL=C.UTF-8 awk 'length > 80')"
check pattern__of_shipped_socs__four bash -c "'$SOCWEAVE' compare --progress none --budget-evals 1 --seeds 1 --soc 'comb-*-any' --workload tiny \
    --mapper heft --out '$WORK/pattern' && test \$(wc -l <'$WORK/pattern/rows.csv') = 5"
check variants__sharing_and_levers__have_rows bash -c "'$SOCWEAVE' compare --progress none --budget-evals 20 --seeds 1 --case comb-small-low:tiny \
    --mapper socweave@fixed,comb@tiled --without justify,seeds --out '$WORK/variants' &&
    grep -q '^comb-small-low,tiny,socweave-without-seeds@fixed,1,' '$WORK/variants/rows.csv'"

check_status usage__compare_no_case__exit_2 2 compare --mapper comb --out "$WORK/x"
check_status usage__compare_soc_alone__exit_2 2 compare --soc edge-ring --mapper comb --out "$WORK/x"
check_status usage__compare_unknown_mapper__exit_2 2 compare --case edge-ring:tiny --mapper comb,best --out "$WORK/x"
check_status usage__compare_unknown_lever__exit_2 2 compare --case edge-ring:tiny --mapper socweave --without luck --out "$WORK/x"
check_status usage__compare_unknown_sharing__exit_2 2 compare --case edge-ring:tiny --mapper comb@loose --out "$WORK/x"
check_status usage__compare_splits_misspelt__exit_2 2 compare --case edge-ring:tiny --mapper socweave+split --out "$WORK/x"
check_status usage__compare_splits_of_another_mapper__exit_2 2 compare --case edge-ring:tiny --mapper comb+splits --out "$WORK/x"
check usage__compare_splits_of_another_mapper__is_said grep -q 'comb+splits: only mapper socweave' "$WORK/status.err"
check compare__splits__runs compare --case edge-ring:tiny --mapper socweave+splits@fixed,socweave@fixed --out "$WORK/splits"
check compare__splits__rows_bear_the_name test "$(grep -c '^edge-ring,tiny,socweave+splits@fixed,' "$WORK/splits/rows.csv")" = 2
check_status usage__compare_mapper_twice__exit_2 2 compare --case edge-ring:tiny --mapper comb,heft,comb --out "$WORK/x"
check_status usage__compare_empty_name__exit_2 2 compare --case edge-ring:tiny --mapper comb,,heft --out "$WORK/x"
check_status usage__compare_pattern_of_nothing__exit_2 2 compare --soc 'no-such-*' --workload tiny --mapper comb --out "$WORK/x"
check_status usage__compare_case_without_colon__exit_2 2 compare --case edge-ring --mapper comb --out "$WORK/x"
check_status io__compare_no_such_file__exit_5 5 compare --case nowhere:tiny --mapper comb --out "$WORK/x"
check_status io__compare_unwritable_out__exit_5 5 compare --case edge-ring:tiny --mapper comb --out /proc/nowhere
check compare__bad_inputs__no_folder test ! -e "$WORK/x"

finish
