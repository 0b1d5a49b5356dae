#!/bin/bash
# sweep: the same front for any --jobs, kill, rank or shard; what it refuses; a full disk.
# SWEEP_KILLS=20 for the longer run.
. "$(dirname "$0")/lib.sh"

space=soc-configs/spaces/comb-mixed.json
sweep() {
    "$SOCWEAVE" sweep --space $space --workload tiny --budget-points 60 --budget-layers 64000 --progress none "$@"
}
same() {
    cmp "$1/front.csv" "$2/front.csv" && cmp "$1/sweep.json" "$2/sweep.json" && cmp "$1/sweep.html" "$2/sweep.html"
}

check sweep__jobs_2__runs sweep --jobs 2 --out "$WORK/j2"
check sweep__jobs_1__runs sweep --jobs 1 --csv "$WORK/all.csv" --out "$WORK/j1"
check sweep__any_jobs__same_front same "$WORK/j1" "$WORK/j2"
check sweep__front__has_points test "$(wc -l <"$WORK/j1/front.csv")" -gt 2
check sweep__front__each_point_once test -z "$(tail -n +2 "$WORK/j1/front.csv" | cut -d, -f1 | sort | uniq -d)"
check sweep__csv__a_row_per_evaluation test "$(wc -l <"$WORK/all.csv")" = \
    $((1 + $(json_value "$WORK/j1/sweep.json" evaluations)))
if command -v python3 >/dev/null; then
    check sweep__page__well_formed python3 -c 'import sys, xml.dom.minidom as m
text = open(sys.argv[1]).read(); m.parseString(text[text.index("<html"):])' "$WORK/j1/sweep.html"
else
    skip sweep__page__well_formed "no python3"
fi
page_names_front() {
    tail -n +2 "$WORK/j1/front.csv" | while IFS=, read -r point rung _; do
        grep -q "<tr id=\"p$point-$rung\">" "$WORK/j1/sweep.html" || exit 1
    done
}
check sweep__page__names_front page_names_front
check_status sweep__again_without_resume__exit_2 2 sweep --out "$WORK/j1"
check_status sweep__resumed_with_another_seed__exit_3 3 sweep --seed 2 --resume --out "$WORK/j1"
check sweep__resumed_with_another_seed__is_said grep -q 'option (seed): expected 2, found 1' "$WORK/status.err"
sed 's/"to": 1e9/"to": 9e8/; s/"name": "comb-mixed"/"name": "other"/' $space >"$WORK/other.json"
check_status sweep__resumed_with_another_space__exit_3 3 "$SOCWEAVE" sweep --space "$WORK/other.json" --workload tiny \
    --budget-points 60 --budget-layers 64000 --progress none --resume --out "$WORK/j1"
check sweep__resumed_with_another_space__is_said grep -q 'another space' "$WORK/status.err"
check sweep__finished_and_resumed__same_front bash -c "cp -r '$WORK/j1' '$WORK/again' && '$SOCWEAVE' sweep --space $space \
    --workload tiny --budget-points 60 --budget-layers 64000 --progress none --resume --out '$WORK/again' &&
    cmp '$WORK/j1/front.csv' '$WORK/again/front.csv'"

# Reports of chosen points.
links() {
    grep -o 'href="points/[0-9]*/report.html"' "$1" | sort -u | tr -dc '0-9\n'
}
check sweep__reports__three_if_not_asked test "$(ls "$WORK/j1/points" | wc -l)" = 3
check sweep__reports__are_linked test "$(links "$WORK/j1/sweep.html")" = "$(ls "$WORK/j1/points" | sort)"
best_by() { # column of front.csv: the point with the least
    tail -n +2 "$WORK/j1/front.csv" | LC_ALL=C sort -t , -k "$(head -n 1 "$WORK/j1/front.csv" | tr , '\n' | grep -nx "$1" | cut -d : -f 1)g" | head -n 1 | cut -d , -f 1
}
check sweep__reports__the_fastest_has_one test -s "$WORK/j1/points/$(best_by makespan_ps)/report.html"
point=$(best_by makespan_ps)
"$SOCWEAVE" simulate --soc "$WORK/j1/points/$point/soc.json" --workload tiny --mapping "$WORK/j1/points/$point/mapping.json" --json >"$WORK/point.json"
check sweep__report__makespan_is_that_of_the_front grep -q "^$point,.*,ok,$(json_value "$WORK/point.json" makespan_ps)," "$WORK/j1/front.csv"
check sweep__report__any_jobs__same_bytes cmp "$WORK/j1/points/$point/layers.csv" "$WORK/j2/points/$point/layers.csv"
cp "$WORK/j1/points/$point/report.html" "$WORK/point.html"
check sweep__report_again__runs "$SOCWEAVE" report "$WORK/j1/points/$point"
check sweep__report_again__same_bytes cmp "$WORK/point.html" "$WORK/j1/points/$point/report.html"
check sweep__no_reports__runs sweep --reports 0 --out "$WORK/plain"
check sweep__no_reports__neither_folder_nor_link test ! -e "$WORK/plain/points" -a -z "$(links "$WORK/plain/sweep.html")"

# Two studies side by side.
check_status report__of_a_study__exit_2 2 "$SOCWEAVE" report "$WORK/j1"
check report__of_a_study__says_what_there_is grep -q 'its page is sweep.html' "$WORK/status.err"
compare_studies() {
    "$SOCWEAVE" report --compare "$@"
}
"$SOCWEAVE" sweep --space $space --workload tiny --strategy random --budget-points 40 --budget-layers 20000 --progress none --out "$WORK/random" >/dev/null
check report__two_studies__runs compare_studies "$WORK/j1" "$WORK/random" --out "$WORK/pair"
check report__two_studies__page_and_json test -s "$WORK/pair/studies.html" -a -s "$WORK/pair/studies.json"
compare_studies "$WORK/j1" "$WORK/random" --json --out "$WORK/pair" >"$WORK/pair.json"
check report__two_studies__json_is_the_file cmp "$WORK/pair.json" "$WORK/pair/studies.json"
check report__two_studies__front_of_each_is_told test "$(sed -n 's/^ *"front": \([0-9]*\),$/\1/p' "$WORK/pair.json" | tr '\n' ' ')" = \
    "$(($(wc -l <"$WORK/j1/front.csv") - 1)) $(($(wc -l <"$WORK/random/front.csv") - 1)) "
compare_studies "$WORK/j1" "$WORK/j2" --json --out "$WORK/pair" >"$WORK/pair.json"
check report__study_and_its_equal__same_points test "$(json_value "$WORK/pair.json" equal_on_both_fronts)" = $(($(wc -l <"$WORK/j1/front.csv") - 1))
check report__study_and_its_equal__cover_each_other test "$(grep -c '"coverage": 1,\{0,1\}$' "$WORK/pair.json")" = 2
check report__two_studies__terminal_within_80_columns test "$(compare_studies "$WORK/j1" "$WORK/random" --out "$WORK/pair" | head -n -1 | LC_ALL=C.UTF-8 wc -L)" -le 80
"$SOCWEAVE" sweep --space $space --workload tiny --objectives latency,energy --budget-points 10 --budget-layers 20000 --progress none --out "$WORK/two" >/dev/null
check_status report__studies_of_other_objectives__exit_3 3 compare_studies "$WORK/j1" "$WORK/two" --out "$WORK/no"
check report__studies_of_other_objectives__are_named grep -q "different objectives.*has latency,energy,area, .* has latency,energy" "$WORK/status.err"
"$SOCWEAVE" sweep --space $space --workload vision-light --budget-points 4 --budget-layers 20000 --progress none --out "$WORK/vision" >/dev/null
check_status report__studies_of_other_workloads__exit_3 3 compare_studies "$WORK/j1" "$WORK/vision" --out "$WORK/no"
check report__studies_of_other_workloads__are_named grep -q "different workloads" "$WORK/status.err"
"$SOCWEAVE" sweep --space soc-configs/spaces/edge-small.json --workload tiny --budget-points 20 --budget-layers 20000 --progress none --out "$WORK/edge" >/dev/null
check report__studies_of_other_spaces__runs compare_studies "$WORK/j1" "$WORK/edge" --out "$WORK/pair"
check report__studies_of_other_spaces__says_so grep -q "other parameters" "$WORK/pair/studies.html"
check_status report__compare_of_one__exit_2 2 compare_studies "$WORK/j1"
check_status report__compare_of_no_study__exit_5 5 compare_studies "$WORK/j1" "$WORK/pair"
check report__refused__leaves_no_folder test ! -e "$WORK/no"

# kill -9 at random moments, again and again, then to the end.
RANDOM=${SWEEP_SEED:-1}
for kill in $(seq "${SWEEP_KILLS:-5}"); do
    "$SOCWEAVE" sweep --space $space --workload tiny --budget-points 60 --budget-layers 64000 --progress none \
        --resume --out "$WORK/killed" >/dev/null 2>&1 &
    program=$!
    sleep "0.0$((10 + RANDOM % 90))"
    kill -9 $program 2>/dev/null
    wait $program 2>/dev/null
done
check sweep__killed_and_resumed__runs sweep --resume --out "$WORK/killed"
check sweep__killed_and_resumed__same_front same "$WORK/j1" "$WORK/killed"

# Ctrl-C leaves a partial result and a study that goes on.
large() {
    "$SOCWEAVE" sweep --space $space --workload vision-light --budget-points 60 --budget-layers 200000 --progress none "$@"
}
"$SOCWEAVE" sweep --space $space --workload vision-light --budget-points 60 --budget-layers 200000 --progress none \
    --out "$WORK/stopped" >/dev/null 2>&1 &
program=$!
sleep 1
kill -INT $program
wait $program
check sweep__interrupted__exit_130 test $? = 130
check sweep__interrupted__partial_result grep -q '"finished": false' "$WORK/stopped/sweep.json"
check sweep__interrupted__resumes large --resume --out "$WORK/stopped"
check sweep__interrupted_and_resumed__finished grep -q '"finished": true' "$WORK/stopped/sweep.json"

# Shards of a strategy that minds nothing are whole once merged; those of one that listens go on.
for strategy in random halving; do
    sweep --strategy $strategy --out "$WORK/plain-$strategy" >/dev/null
    for shard in 1 2 3; do
        check "sweep__shard_${shard}_of_${strategy}__runs" sweep --strategy $strategy --shard $shard/3 --out "$WORK/$strategy-$shard"
    done
    check "merge__${strategy}__runs" "$SOCWEAVE" merge --progress none "$WORK/$strategy-1" "$WORK/$strategy-2" "$WORK/$strategy-3" \
        --out "$WORK/merged-$strategy"
done
check merge__random__same_as_plain same "$WORK/plain-random" "$WORK/merged-random"
check merge__halving_resumed__runs sweep --strategy halving --resume --out "$WORK/merged-halving"
check merge__halving_resumed__same_as_plain same "$WORK/plain-halving" "$WORK/merged-halving"
check_status merge__of_a_whole_study__exit_3 3 "$SOCWEAVE" merge "$WORK/plain-random" --out "$WORK/m"
check_status merge__of_other_options__exit_3 3 "$SOCWEAVE" merge "$WORK/random-1" "$WORK/halving-2" --out "$WORK/m2"
check_status usage__merge_of_nothing__exit_2 2 "$SOCWEAVE" merge --out "$WORK/m3"

if command -v sqlite3 >/dev/null; then
    check sweep__database__is_whole test "$(sqlite3 "$WORK/killed/study.db" 'PRAGMA integrity_check')" = ok
    check sweep__database__nothing_lost test "$(sqlite3 "$WORK/killed/study.db" 'SELECT count(*) FROM results')" = \
        "$(json_value "$WORK/j1/sweep.json" evaluations)"
else
    skip sweep__database "no sqlite3"
fi

if ldd "$SOCWEAVE" | grep -q libmpi && command -v mpirun >/dev/null && [ -z "$SANITIZED" ]; then
    for ranks in 2 4; do
        check "sweep__mpi_${ranks}__runs" timeout 120 mpirun --allow-run-as-root --oversubscribe -n $ranks "$SOCWEAVE" sweep \
            --space $space --workload tiny --budget-points 60 --budget-layers 64000 --progress none --out "$WORK/mpi$ranks"
        check "sweep__mpi_${ranks}__same_front" same "$WORK/j1" "$WORK/mpi$ranks"
    done
else
    skip sweep__mpi "no mpirun, or built without MPI, or sanitized"
fi

# Disks that fill up at different moments: whatever the program says it keeps is there, and goes on.
mkdir "$WORK/small"
if ! mount -t tmpfs -o size=1m tmpfs "$WORK/small" 2>/dev/null; then
    skip sweep__full_disk "mounting a tmpfs needs root"
elif umount "$WORK/small" && ! command -v sqlite3 >/dev/null; then
    skip sweep__full_disk "no sqlite3"
else
    large --out "$WORK/large" >/dev/null
    for kib in 1000 8340 8450 8550; do
        full=sweep__disk_of_${kib}_kib
        mount -t tmpfs -o size=${kib}k tmpfs "$WORK/small"
        check_status ${full}__exit_5 5 large --out "$WORK/small/out"
        if [ $kib -gt 8192 ]; then
            db() { sqlite3 -readonly "$WORK/small/out/study.db" "$1"; }
            check ${full}__database_is_whole test "$(db 'PRAGMA integrity_check')" = ok
            check ${full}__keeps_all_it_did test "$(db 'SELECT count(*) FROM outcomes')" = \
                "$(sed -n 's/.*all \([0-9]*\) outcomes are kept.*/\1/p' "$WORK/status.err")"
            mount -o remount,size=64m "$WORK/small"
            check ${full}__grown_and_resumed__runs large --resume --out "$WORK/small/out"
            check ${full}__grown_and_resumed__same_front same "$WORK/large" "$WORK/small/out"
        else
            check ${full}__no_room_is_said grep -q 'in reserve' "$WORK/status.err"
        fi
        umount "$WORK/small"
    done
fi

# 10^9 points, of which none satisfies the constraint: too many to say so beforehand.
sed 's/"area_mm2 <= 60"/"gemmini_side > 32"/; s/"buffer_kib": {[^}]*}/"buffer_kib": { "from": 1, "to": 1000, "steps": 1000 }/
     s/"ring_bytes_per_cycle": {[^}]*}/"ring_bytes_per_cycle": { "from": 1, "to": 4096, "steps": 4096 }/
     s/"steps": 5,/"steps": 400,/' soc-configs/spaces/edge-small.json >"$WORK/huge.json"
huge() {
    "$SOCWEAVE" sweep --space "$WORK/huge.json" --workload tiny --progress none "$@"
}
check_status sweep__a_billion_points_without_a_budget__exit_3 3 huge --out "$WORK/huge"
check sweep__a_billion_points_without_a_budget__is_said grep -q 'give a budget of points' "$WORK/status.err"
check_status sweep__nothing_feasible__exit_4 4 huge --budget-points 20 --budget-layers 64000 --out "$WORK/none"
check sweep__nothing_feasible__is_said grep -q 'none of 20 points is feasible; the first: .*gemmini_side > 32' "$WORK/status.err"

check_status usage__sweep_unknown_objective__exit_2 2 sweep --objectives latency,beauty --out "$WORK/x"
check_status usage__sweep_objective_twice__exit_2 2 sweep --objectives latency,latency --out "$WORK/x"
check_status usage__sweep_shard_0__exit_2 2 sweep --shard 0/2 --out "$WORK/x"
check_status usage__sweep_unknown_mapper__exit_2 2 sweep --mapper best --out "$WORK/x"
check_status io__sweep_no_such_space__exit_5 5 "$SOCWEAVE" sweep --space nowhere.json --workload tiny --out "$WORK/x"
check sweep__bad_inputs__no_folder test ! -e "$WORK/x"

finish
