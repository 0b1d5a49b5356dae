#!/bin/bash
# import, check and explore on ONNX models, written here field by field.
. "$(dirname "$0")/lib.sh"

# A message field: number, then the bytes given as printf escapes.
field() {
    local length
    length=$(printf '%b' "$2" | wc -c)
    printf "\\x$(printf %02x $(($1 << 3 | 2)))"
    [ "$length" -lt 128 ] || printf "\\x$(printf %02x $((length & 127 | 128)))"
    printf "\\x$(printf %02x $((length < 128 ? length : length >> 7)))"
    printf '%b' "$2"
}
escaped() { od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g'; }
message() { field "$1" "$(cat | escaped)"; }

# value NAME DIM…: a float tensor; a letter is a symbolic dimension.
value() {
    field 1 "$1"
    shift
    { { printf '\x08\x01'
        for dim; do
            case $dim in
            [0-9]*) printf "\\x08\\x$(printf %02x "$dim")" | message 1 ;;
            *) field 2 "$dim" | message 1 ;;
            esac
        done | message 2
      } | message 1
    } | message 2
}
# weight NAME DIM…: a float initialiser without contents.
weight() {
    local name=$1
    shift
    for dim; do printf "\\x08\\x$(printf %02x "$dim")"; done
    printf '\x10\x01'
    field 8 "$name"
}
# node OP NAME OUTPUT INPUT…
node() {
    local op=$1 name=$2 output=$3
    shift 3
    for input; do field 1 "$input"; done
    field 2 "$output"
    field 3 "$name"
    field 4 "$op"
}
# model BATCH LAST-OP: 16 inputs, a product with 4 columns, one more operator.
model() {
    printf '\x08\x08'
    { value x "$1" 16 | message 11
      weight w 16 4 | message 5
      node MatMul fc y x w | message 1
      node "$2" last z y | message 1
      value z "$1" 4 | message 12
    } | message 7
}

model 3 Relu >"$WORK/fixed.onnx"
model batch Relu >"$WORK/open.onnx"
model 3 Frobnicate >"$WORK/unknown.onnx"

check_status import__model__ok 0 "$SOCWEAVE" import "$WORK/fixed.onnx" -o "$WORK/fixed.json" --json
for pair in layers:1 macs:192 weight_bytes:256; do
    check "import__json__${pair%:*}" test "$(json_value "$WORK/status.out" "${pair%:*}")" = "${pair#*:}"
done
check import__json__unsupported grep -q '"unsupported": \[\]' "$WORK/status.out"
check import__graph__is_valid "$SOCWEAVE" check "$WORK/fixed.json"
check import__graph__keeps_names grep -q '"name": "fc"' "$WORK/fixed.json"
check import__graph__has_macs grep -q '"macs": 192' "$WORK/fixed.json"
check import__graph__has_hash grep -q "sha256 $(sha256sum <"$WORK/fixed.onnx" | cut -d' ' -f1)" "$WORK/fixed.json"
"$SOCWEAVE" import "$WORK/fixed.onnx" -o "$WORK/again.json" >/dev/null
check import__twice__same_bytes cmp "$WORK/fixed.json" "$WORK/again.json"

check_status import__open_dimension__exit_3 3 "$SOCWEAVE" import "$WORK/open.onnx"
check import__open_dimension__is_named grep -q 'give --dim batch=N' "$WORK/status.err"
check_status import__bound_dimension__ok 0 "$SOCWEAVE" import "$WORK/open.onnx" --dim batch=5 --json
check import__bound_dimension__counts test "$(json_value "$WORK/status.out" macs)" = 320
check_status import__bad_dimension__exit_2 2 "$SOCWEAVE" import "$WORK/open.onnx" --dim batch=-1
check_status import__types__ok 0 "$SOCWEAVE" import "$WORK/fixed.onnx" --types u8,s8,u8 --json
check import__types__bytes test "$(json_value "$WORK/status.out" weight_bytes)" = 64
check_status import__bad_types__exit_2 2 "$SOCWEAVE" import "$WORK/fixed.onnx" --types u8,s8

check_status import__unknown_operator__exit_3 3 "$SOCWEAVE" import "$WORK/unknown.onnx"
check import__unknown_operator__is_named grep -q 'node "last", operator Frobnicate' "$WORK/status.err"
check_status import__allow_unsupported__ok 0 "$SOCWEAVE" import "$WORK/unknown.onnx" --allow-unsupported --json
check import__allow_unsupported__is_listed grep -q 'Frobnicate' "$WORK/status.out"

check_status check__onnx__ok 0 "$SOCWEAVE" check "$WORK/fixed.onnx"
check check__onnx__operators grep -q '1 layers, 0 edges, 192 MACs, 256 bytes of weights; operators MatMul x 1, Relu x 1' "$WORK/status.out"
check_status check__open_onnx__ok 0 "$SOCWEAVE" check "$WORK/open.onnx"
check check__open_onnx__symbols grep -q 'symbolic dimensions batch' "$WORK/status.out"

cat >"$WORK/two.json" <<END
{ "socweave": "workload/1", "name": "two",
  "networks": [ { "graph": "fixed.onnx", "copies": 2 }, { "graph": "open.onnx", "dims": { "batch": 2 } },
                { "graph": "open.onnx", "dims": { "batch": 4 }, "name": "wide" } ] }
END
check_status workload__names_models__ok 0 "$SOCWEAVE" explore --soc comb-small-low --workload "$WORK/two.json" \
    --out "$WORK/out" --progress none --json
check workload__names_models__layers test "$(json_value "$WORK/status.out" layers)" = 4
sed 's/"batch": 4/"batch": 4, "x": 1.5/' "$WORK/two.json" >"$WORK/bad.json"
check_status workload__bad_dims__exit_3 3 "$SOCWEAVE" check "$WORK/bad.json"
sed 's/open.onnx", "dims": { "batch": 2 }/open.onnx"/' "$WORK/two.json" >"$WORK/bad.json"
check_status workload__open_dimension__exit_3 3 "$SOCWEAVE" check "$WORK/bad.json"

: >"$WORK/empty.onnx"
check_status import__empty_file__exit_3 3 "$SOCWEAVE" import "$WORK/empty.onnx"
check_status import__no_such_file__exit_5 5 "$SOCWEAVE" import "$WORK/nowhere.onnx"
check_status import__folder__exit_5 5 "$SOCWEAVE" import "$WORK"
truncated=0
size=$(wc -c <"$WORK/fixed.onnx")
for ((count = 0; count < size; count += 7)); do
    head -c "$count" "$WORK/fixed.onnx" >"$WORK/cut.onnx"
    "$SOCWEAVE" import "$WORK/cut.onnx" >/dev/null 2>&1
    [ $? = 3 ] || truncated=$((truncated + 1))
done
check import__truncated__exit_3 test $truncated = 0

# The reference package's test models, where they are installed: none may crash or take a second.
models=$(ls /usr/share/libonnx-testdata/data/*/*/model.onnx 2>/dev/null)
if [ -n "$models" ]; then
    imported=0 refused=0 wrong=0
    for model in $models; do
        timeout 5 "$SOCWEAVE" import "$model" >/dev/null 2>"$WORK/model.err"
        case $? in
        0) imported=$((imported + 1)) ;;
        3) refused=$((refused + 1)) ;;
        *) wrong=$((wrong + 1)); echo "$model: $(head -n 1 "$WORK/model.err")" >&2 ;;
        esac
    done
    echo "test models: $imported of $((imported + refused + wrong)) import"
    check testdata__all__import_or_say_why test $wrong = 0
    check testdata__share__has_not_fallen test $imported -ge 976
else
    skip testdata "libonnx-testdata is not installed"
fi

finish
