#!/bin/bash
# match: counts of AMOS's table through the command line, JSON, explanation, files.
. "$(dirname "$0")/lib.sh"

match() {
    "$SOCWEAVE" match "$@"
}

# count EXPECTED ARGUMENTS…: "count" of the JSON.
count() {
    local expected=$1
    shift
    match "$@" --json >"$WORK/match.json" || return
    [ "$(json_value "$WORK/match.json" count)" = "$expected" ]
}

conv="--op conv2d --extents n=1,k=128,c=128,p=28,q=28,r=3,s=3 --params ph=1,pw=1"
check match__conv2d_amos__35 count 35 $conv --intrinsic wmma.m16n16k16.f16
check match__conv2d_extended__49 count 49 $conv --intrinsic wmma.m16n16k16.f16 --rule extended
check match__conv2d_fit__20 count 20 $conv --intrinsic wmma.m8n32k16.f16 --min-extent fit
check match__conv2d_vnni__7 count 7 $conv --intrinsic vnni.16x4
check match__own_expression__capsule_585 count 585 --intrinsic mma.m16n8k16.f16 \
    --expr 'C[b,k,p,q,i,j] += A[b,c,p*2+r,q*2+s,i,l] * B[k,c,r,s,l,j]' \
    --extents b=1,k=8,p=6,q=6,i=4,j=4,c=8,r=3,s=3,l=4
check match__json__has_585_mappings test "$(grep -c '"padding_frac"' "$WORK/match.json")" = 585
for key in intrinsic count mappings axes predicted_cycles padding_frac; do
    check "json__match__has_$key" grep -q "\"$key\":" "$WORK/match.json"
done
if command -v python3 >/dev/null; then
    check json__match__parses python3 -m json.tool "$WORK/match.json"
    for arguments in "--list" "$conv" "--graph resnet50" "--graph resnet50 --layer conv1"; do
        check_status "json__match_${arguments// /_}__ok" 0 "$SOCWEAVE" match $arguments --json
        check "json__match_${arguments// /_}__parses" python3 -m json.tool "$WORK/status.out"
    done
else
    skip json__match__parses "no python3"
fi

# The golden example: 20 calls, its addresses.
cat >"$WORK/small.json" <<'END'
{ "socweave": "intrinsic/1", "name": "small.2x2x2", "source": "a test",
  "expr": "C[i,j] += A[i,k] * B[k,j]", "extents": { "i": 2, "j": 2, "k": 2 },
  "operands": [ { "type": "s32" }, { "type": "u8" }, { "type": "s8" } ],
  "interval_cycles": 1, "machine": "zen5" }
END
golden="--op conv2d --extents n=1,k=4,p=2,q=2,c=1,r=3,s=3 --intrinsic $WORK/small.json"
match $golden --json >"$WORK/golden.json"
line=$(grep -n '"i": \["n", "p", "q"\], "j": \["k"\], "k": \["c", "r", "s"\]' "$WORK/golden.json" | cut -d: -f1)
first=$(grep -n '"axes"' "$WORK/golden.json" | head -n 1 | cut -d: -f1)
check match__golden__20_calls sh -c "sed -n ${line:-1}p '$WORK/golden.json' | grep -q '\"calls\": 20'"
match $golden --explain $((line - first + 1)) >"$WORK/explain"
check explain__golden__virtual grep -q "k' = c\*9 + r\*3 + s" "$WORK/explain"
check explain__golden__physical_a grep -q "A at (i'/2)\*20 + (k'/2)\*4" "$WORK/explain"
check explain__golden__physical_b grep -q "B at (j'/2)\*4 + (k'/2)\*8" "$WORK/explain"
check explain__golden__physical_c grep -q "C at (i'/2)\*8 + (j'/2)\*4" "$WORK/explain"
check explain__golden__valid grep -q 'Z \* Y = X on the mapped columns, X \* Y^T = Z: yes' "$WORK/explain"

check_status match__same_input__ok 0 "$SOCWEAVE" match $conv --intrinsic vnni.8x48x4 --limit 0
cp "$WORK/status.out" "$WORK/first"
match $conv --intrinsic vnni.8x48x4 --limit 0 >"$WORK/second"
check match__same_input__same_bytes cmp "$WORK/first" "$WORK/second"
check match__table__35_rows test "$(grep -c '  compute$\|  packing$\|  registers$\|  memory [rw][a-z]*$\|  latency$' "$WORK/first")" = 35
check_status match__no_mapping__exit_4 4 "$SOCWEAVE" match --op relu --extents k=4 --intrinsic vnni.16x4 --json
check match__no_mapping__reason_in_json grep -q '"reason": "vnni.16x4 computes' "$WORK/status.out"
# Which instructions could run the layers of a mapping stands in its report.
"$SOCWEAVE" explore --soc comb-small-low --workload tiny --progress none --out "$WORK/run" >/dev/null 2>&1
check report__instructions__section grep -q '<section id="instructions">' "$WORK/run/report.html"
check report__instructions__every_layer_with_macs awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    NR > 1 { rows++; if (($at["macs"] > 0) != ($at["best_intrinsic"] != "")) bad = 1 }
    END { exit bad || !rows || !at["best_intrinsic_ns"] }' "$WORK/run/layers.csv"

check match__list__names_vnni sh -c "'$SOCWEAVE' match --list | grep -q '^vnni.16x4 '"
finish
