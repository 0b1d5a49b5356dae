#!/bin/bash
# Periods and deadlines end to end: XRBench's scenarios, what explore says of them, determinism.
. "$(dirname "$0")/lib.sh"

explore() {
    "$SOCWEAVE" explore --progress none --budget-evals 200 --json "$@"
}

# value FILE KEY: of a number in a JSON object, pretty-printed or not.
value() {
    grep -o "\"$2\": *[0-9.e+-]*" "$1" | head -n 1 | sed 's/.*: *//'
}

# Frames of a hyperperiod, as docs/formats.md counts them.
frames() {
    explore --soc "$1" --workload "$2" --out "$WORK/$2" >"$WORK/$2.json" &&
        [ "$(value "$WORK/$2.json" frames)" = "$3" ] &&
        [ -n "$(value "$WORK/$2.json" misses)" ] &&
        grep -q '"deadline_ps"' "$WORK/$2/result.json" &&
        grep -q 'XRBench score' "$WORK/$2/report.html" &&
        [ "$(value "$WORK/$2.json" makespan_ps)" -ge "$(value "$WORK/$2.json" lower_bound_ps)" ]
}
check explore__vr_gaming__4_4_and_3_frames frames comb-small-high xrbench-vr-gaming 11
check explore__social_interaction_b__2_2_and_1_frames frames comb-small-low xrbench-social-interaction-b 5

same_bytes() {
    explore --soc comb-small-high --workload xrbench-social-interaction-a --jobs 1 --out "$WORK/one" >/dev/null &&
        explore --soc comb-small-high --workload xrbench-social-interaction-a --jobs 2 --out "$WORK/two" >/dev/null &&
        diff -r "$WORK/one" "$WORK/two"
}
check explore__scenario_with_other_jobs__same_bytes same_bytes

# A frame every 100 us of a network that takes longer: later and later.
cat >"$WORK/rush.json" <<EOF
{ "socweave": "workload/1", "name": "rush", "horizon_ns": 1e6,
  "networks": [ { "graph": "$PWD/dnn-graphs/mobilenet-v2.json", "period_ns": 1e5 } ] }
EOF
rush() {
    explore --soc comb-small-low --workload "$WORK/rush.json" --out "$WORK/rush" >"$WORK/rush.out" &&
        [ "$(value "$WORK/rush.out" frames)" = 10 ] && [ "$(value "$WORK/rush.out" misses)" = 10 ] &&
        [ "$(value "$WORK/rush.out" worst_lateness_ps)" -gt 0 ]
}
check explore__overload__every_frame_is_late rush

# The objective is what it says: not later than what latency alone finds. Of one workload: splits would differ.
objectives() {
    explore --soc edge-ring --workload xrbench-outdoor-activity-b --splits none --out "$WORK/l" >"$WORK/l.json" &&
        explore --soc edge-ring --workload xrbench-outdoor-activity-b --splits none --objective deadline --out "$WORK/d" >"$WORK/d.json" &&
        [ "$(value "$WORK/d.json" misses)" -le "$(value "$WORK/l.json" misses)" ] &&
        [ "$(value "$WORK/d.json" worst_lateness_ps)" -lt "$(value "$WORK/l.json" worst_lateness_ps)" ]
}
check explore__objective_deadline__less_late_than_by_latency objectives
finish
