#!/bin/bash
# validate: outcomes, exit statuses, JSON, the folder, bad input. Times decide nothing.
. "$(dirname "$0")/lib.sh"

validate() {
    "$SOCWEAVE" validate --progress none "$@"
}

# says NAME TEXT: the last check_status printed it on stderr.
says() {
    check "$1" grep -qF -- "$2" "$WORK/status.err"
}

reference="--backend reference --samples 1"
check_status validate__reference_resnet8__ok 0 validate $reference --graph resnet8 --out "$WORK/out"
check validate__equal_shapes__run_once grep -q '^14 OK (of 15 layers)' "$WORK/status.out"
check validate__table__80_columns test -z "$(LC_ALL=C.UTF-8 awk 'length > 80' "$WORK/status.out")"
check validate__out__has_json test -f "$WORK/out/validate.reference.json"
check validate__out__has_page grep -q 'id="b0"' "$WORK/out/validate.html"
check_status validate__each__runs_all 0 validate $reference --graph resnet8 --each --samples 0
check validate__each__15 grep -q '^15 OK$' "$WORK/status.out"

check_status validate__all_plans__ok 0 validate $reference --graph resnet8 --layer stage2_s --match all \
    --intrinsic vnni.16x4 --json --samples 0
cp "$WORK/status.out" "$WORK/all.json"
plans=$("$SOCWEAVE" match --graph resnet8 --layer stage2_s --intrinsic vnni.16x4 --types any --json | grep -c '"padding_frac"')
check validate__all_plans__as_many_as_match test "$(json_value "$WORK/all.json" ok)" = "$plans"
for key in backend rows layer match outcome measured_ns predicted_ns gops peak_frac ok mismatch unsupported unavailable; do
    check "json__validate__has_$key" grep -q "\"$key\":" "$WORK/all.json"
done
if command -v python3 >/dev/null; then
    check json__validate__parses python3 -m json.tool "$WORK/all.json"
    check page__validate__well_formed python3 -c "
import sys, xml.dom.minidom
xml.dom.minidom.parseString(open(sys.argv[1]).read().split('\n', 1)[1])" "$WORK/out/validate.html"
else
    skip json__validate__parses "no python3"
fi
check_status validate__two_plans__ok 0 validate $reference --graph resnet8 --layer stage2_a --match 2 --json --samples 0
check validate__two_plans__two_rows test "$(json_value "$WORK/status.out" ok)" = 2

# A mapping's layers; the same file against another workload.
"$SOCWEAVE" explore --soc comb-small-low-any --workload tiny --budget-evals 50 --progress none --out "$WORK/tiny" >/dev/null
mapping="--mapping $WORK/tiny/mapping.json --soc comb-small-low-any"
check_status validate__mapping__ok 0 validate $reference $mapping --workload tiny --samples 0
check validate__mapping__names_networks grep -q '^tiny-cnn/' "$WORK/status.out"
mkdir -p "$WORK/dnn-graphs/workloads"
cp dnn-graphs/tiny-*.json "$WORK/dnn-graphs"
cp dnn-graphs/workloads/tiny.json "$WORK/dnn-graphs/workloads"
echo >>"$WORK/dnn-graphs/tiny-mlp.json"
check_status validate__graph_changed_since__exit_3 3 validate $reference $mapping --workload "$WORK/dnn-graphs/workloads/tiny.json"
says validate__graph_changed_since__is_said 'the workload changed since this mapping was made'

# Every backend that is not here says why, and exits with 6.
for backend in cpu cuda; do
    validate --backend $backend --graph resnet8 --samples 0 --json >"$WORK/$backend.json" 2>"$WORK/$backend.err"
    status=$?
    if [ "$(json_value "$WORK/$backend.json" unavailable)" = 0 ]; then
        check "validate__${backend}__exit_0" test $status = 0
        check "validate__${backend}__no_mismatch" test "$(json_value "$WORK/$backend.json" mismatch)" = 0
    else
        check "validate__${backend}_not_here__exit_6" test $status = 6
        check "validate__${backend}_not_here__says_why" grep -q "backend $backend: ." "$WORK/$backend.err"
        skip "validate__${backend}" "$(sed "s/.*: backend/backend/" "$WORK/$backend.err")"
    fi
done

# This machine measured, and predictions from it.
check_status usage__calibrate_no_out__exit_2 2 validate --calibrate
says usage__calibrate_no_out__is_said '--calibrate needs --out FILE'
check_status usage__calibrate_reference__exit_2 2 validate --calibrate --backend reference --out "$WORK/m.json"
says usage__calibrate_reference__is_said '--calibrate: expected --backend cpu or cuda, got "reference"'
check_status usage__calibrate_host_of_a_backend__exit_2 2 validate --calibrate --backend cpu --host "$WORK/m.json"
says usage__calibrate_host_of_a_backend__is_said "--backend cuda adds its GPU"
validate --calibrate --backend cuda --samples 1 --out "$WORK/gpu.json" >"$WORK/gpu.out" 2>"$WORK/gpu.err"
status=$?
if [ $status = 6 ]; then
    check calibrate__no_gpu__says_why grep -q -- '--calibrate: .' "$WORK/gpu.err"
    check calibrate__no_gpu__writes_nothing test ! -e "$WORK/gpu.json"
    skip calibrate__gpu "$(cat "$WORK/gpu.err")"
else
    check calibrate__gpu__exit_0 test $status = 0
    check_status calibrate__gpu_file__is_valid 0 "$SOCWEAVE" check "$WORK/gpu.json"
fi
check_status usage__tune_cache_alone__exit_2 2 validate $reference --graph resnet8 --tune-cache "$WORK/t.json"
says usage__tune_cache_alone__is_said '--tune-cache goes with --tune'
check_status validate__tune_of_cpu__is_ignored 0 validate $reference --graph resnet8 --layer stage2_s --samples 0 --tune 2 --tune-cache "$WORK/t.json"
check_status usage__calibrate_with_graph__exit_2 2 validate --calibrate --graph resnet8 --out "$WORK/m.json"
check_status usage__calibrate_no_samples__exit_2 2 validate --calibrate --samples 0 --out "$WORK/m.json"
check_status usage__machine_of_reference__exit_2 2 validate $reference --graph resnet8 --machine "$WORK/m.json"
says usage__machine_of_reference__is_said 'backend reference predicts no times of this machine'
SOCWEAVE_CPU_ISA=portable check_status calibrate__no_vnni__exit_6 6 validate --calibrate --samples 1 --out "$WORK/none.json"
check calibrate__no_vnni__writes_nothing test ! -e "$WORK/none.json"
validate --calibrate --samples 1 --out "$WORK/m.json" >"$WORK/calibrate.out" 2>"$WORK/calibrate.err"
status=$?
if [ $status = 6 ]; then
    skip calibrate "$(cat "$WORK/calibrate.err")"
else
    check calibrate__exit_0 test $status = 0
    check_status calibrate__file__is_valid 0 "$SOCWEAVE" check "$WORK/m.json"
    check_status calibrate__unwritable__exit_5 5 validate --calibrate --samples 1 --threads 1 --out /proc/nowhere
    sed 's/"name": "[^"]*"/"name": "slowpoke"/; s/"memory_bytes_per_s": [0-9.e+]*/"memory_bytes_per_s": 12345678/' "$WORK/m.json" >"$WORK/slow.json"
    layer="--backend cpu --graph resnet8 --layer stage2_s --threads 1 --samples 1 --json"
    check_status machine__measured__ok 0 validate $layer --machine "$WORK/slow.json"
    check machine__measured__is_named grep -q '"machine": "slowpoke"' "$WORK/status.out"
    check machine__measured__gives_the_slope test "$(json_value "$WORK/status.out" memory_bytes_per_s)" = 12345678
    slow=$(grep -o "\"predicted_ns\": [0-9.e+]*" "$WORK/status.out")
    check_status machine__built_in__ok 0 validate $layer
    check machine__measured__decides_the_prediction test "$slow" != "$(grep -o "\"predicted_ns\": [0-9.e+]*" "$WORK/status.out")"
    echo '{ "socweave": "machine/1" }' >"$WORK/broken.json"
    check_status machine__broken__exit_3 3 validate $layer --machine "$WORK/broken.json"
    says machine__broken__is_said 'broken.json:1:1: $'
fi

check_status usage__validate_no_backend__exit_2 2 validate --graph resnet8
says usage__validate_no_backend__is_said '--backend B is missing'
check_status usage__validate_unknown_backend__exit_2 2 validate --backend cpus --graph resnet8
says usage__validate_unknown_backend__did_you_mean 'did you mean "cpu"?'
check_status usage__validate_nothing_to_run__exit_2 2 validate --backend reference
check_status usage__validate_both__exit_2 2 validate $reference $mapping --workload tiny --graph resnet8
check_status usage__validate_mapping_alone__exit_2 2 validate $reference --mapping "$WORK/tiny/mapping.json"
says usage__validate_mapping_alone__is_said '--mapping needs --soc and --workload'
check_status usage__validate_soc_with_graph__exit_2 2 validate $reference --graph resnet8 --soc comb-small-low
check_status usage__validate_no_threads__exit_2 2 validate $reference --graph resnet8 --threads 0
says usage__validate_no_threads__range_is_said '--threads: expected a whole number in 1..1024, got "0"'
for match in 0 none -1 2x; do
    check_status "usage__validate_match_${match}__exit_2" 2 validate $reference --graph resnet8 --match "$match"
    says "usage__validate_match_${match}__is_said" "--match: expected best, all, or how many of the best, got \"$match\""
done
check_status validate__unknown_intrinsic__exit_3 3 validate $reference --graph resnet8 --intrinsic vnni.16x5
says validate__unknown_intrinsic__did_you_mean "did you mean 'vnni.16x4'"
check_status validate__unknown_layer__exit_3 3 validate $reference --graph resnet8 --layer stage2_z
says validate__unknown_layer__did_you_mean 'did you mean "stage2_'
check_status validate__no_such_graph__exit_5 5 validate $reference --graph "$WORK/nowhere.json"
check_status validate__unwritable_out__exit_5 5 validate $reference --graph resnet8 --samples 0 --out /proc/nowhere
if validate $reference --graph resnet8 --samples 0 --out "$WORK/terms" >/dev/null 2>&1; then
    terms=$(for t in 1 2 3 4 5 6 7 8 9 10 11 12 13; do printf '"t%d": 1, ' $t; done)
    sed "0,/\"gops\"/s//\"terms_ns\": { ${terms%, } }, \"gops\"/" "$WORK/terms/validate.reference.json" >"$WORK/terms/validate.many.json"
    check_status validate__too_many_terms__exit_3 3 validate $reference --graph resnet8 --samples 0 --out "$WORK/terms"
    says validate__too_many_terms__is_said 'rows[0].terms_ns: expected at most 12 terms, got 13'
fi
echo '{ "socweave": "validate/1" }' >"$WORK/out/validate.old.json"
check_status validate__broken_neighbour__exit_3 3 validate $reference --graph resnet8 --samples 0 --out "$WORK/out"
says validate__broken_neighbour__is_named 'validate.old.json'
finish
