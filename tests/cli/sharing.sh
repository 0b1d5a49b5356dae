#!/bin/bash
# --sharing: a mapping remembers which allotments it was made of, and is read again with those.
. "$(dirname "$0")/lib.sh"

case_args="--soc comb-small-low --workload mixed-light"

for sharing in fixed elastic tiled; do
    check "explore__sharing_${sharing}__runs" "$SOCWEAVE" explore $case_args --mapper heft --progress none \
        --sharing $sharing --out "$WORK/$sharing"
    for file in result.json mapping.json; do
        check "explore__sharing_${sharing}__is_in_$file" test "$(json_value "$WORK/$sharing/$file" sharing)" = $sharing
    done
    check "explore__sharing_${sharing}__is_in_resolved.json" grep -q "\"sharing\": \"$sharing\"" "$WORK/$sharing/resolved.json"
    check "check__sharing_${sharing}__is_read_from_the_mapping" "$SOCWEAVE" check $case_args "$WORK/$sharing/mapping.json"
    "$SOCWEAVE" simulate $case_args --mapping "$WORK/$sharing/mapping.json" --json >"$WORK/simulate.json"
    check "simulate__sharing_${sharing}__same_makespan" \
        test "$(json_value "$WORK/simulate.json" makespan_ps)" = "$(json_value "$WORK/$sharing/result.json" makespan_ps)"
    mv "$WORK/$sharing/report.html" "$WORK/first.html"
    check "report__sharing_${sharing}__runs" "$SOCWEAVE" report "$WORK/$sharing"
    check "report__sharing_${sharing}__same_bytes" cmp "$WORK/first.html" "$WORK/$sharing/report.html"
done

check_status simulate__tiled_mapping_as_fixed__is_refused 3 \
    "$SOCWEAVE" simulate $case_args --mapping "$WORK/tiled/mapping.json" --sharing fixed
check simulate__fixed_mapping_as_tiled__is_fine \
    "$SOCWEAVE" simulate $case_args --mapping "$WORK/fixed/mapping.json" --sharing tiled
check explore__heft__fixed_unless_told_otherwise test "$("$SOCWEAVE" explore $case_args --mapper heft --progress none \
    --out "$WORK/auto" >"$WORK/log" && json_value "$WORK/auto/mapping.json" sharing)" = fixed
check explore__tiled__a_third_less_time test $((3 * $(json_value "$WORK/tiled/result.json" makespan_ps))) -lt $((2 * $(json_value "$WORK/fixed/result.json" makespan_ps)))
check cost__tiled__shows_replicas grep -q '"split": "P"' <("$SOCWEAVE" cost $case_args --sharing tiled --layer 'yolov5s#0/b0' --json)
check cost__fixed__shows_one_row_per_accelerator \
    test "$("$SOCWEAVE" cost $case_args --layer 'yolov5s#0/b0' | wc -l)" = 3
finish
