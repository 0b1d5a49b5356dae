#!/bin/bash
# Shipped inputs: the generated ones are up to date, and each SoC carries a workload end to end.
. "$(dirname "$0")/lib.sh"

if command -v python3 >/dev/null; then
    for folder in dnn-graphs soc-configs; do
        check "generate__${folder}__up_to_date" python3 "$folder/generate.py" --check
        cp -r "$folder" "$WORK/$folder"
        sed -i '1s/^/ /' "$(find "$WORK/$folder" -name '*-light.json' -o -name 'comb-small-low.json' | head -n 1)"
        check_status "generate__${folder}_changed_by_hand__is_noticed" 1 \
            python3 "$WORK/$folder/generate.py" --check
    done
else
    skip generate__up_to_date "no python3"
fi

# explore SOC WORKLOAD: a legal mapping that ends no sooner than the lower bound allows.
explore() {
    "$SOCWEAVE" explore --soc "$1" --workload "$2" --budget-evals 300 --progress none --json --out "$WORK/out" \
        >"$WORK/explore.json" || return
    awk -F'[:,]' '/"makespan_ps"/ { end = $2 } /"lower_bound_ps"/ { bound = $2 }
        END { exit !(bound > 0 && end >= bound) }' "$WORK/explore.json"
}
for pair in edge-ring:edge-mix chiplet-links:edge-mix comb-small-low-gemm:tiny comb-large-high-any:tiny \
    comb-small-low:vision-light; do
    check "explore__${pair/:/_with_}__feasible" explore "${pair%:*}" "${pair#*:}"
done
check_status explore__comb_soc_with_memory_bound_layers__exit_4 4 \
    "$SOCWEAVE" explore --soc comb-small-low --workload edge-mix --out "$WORK/none"
finish
