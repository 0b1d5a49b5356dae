#!/bin/bash
# Help, version, usage errors, --json on stdout, completion, install.
. "$(dirname "$0")/lib.sh"

check help__no_command__exit_2 test "$("$SOCWEAVE" >/dev/null 2>&1; echo $?)" = 2
check help__global__ok "$SOCWEAVE" --help
check version__prints__number test "$("$SOCWEAVE" --version)" = "socweave $(cat VERSION)"
for command in $("$SOCWEAVE" --help | sed -n 's/^  \([a-z]\{2,\}\)  .*/\1/p'); do
    check "help__${command}__ok" "$SOCWEAVE" "$command" --help
    check "help__${command}__in_the_man_page" grep -q "^\.B $command\$" docs/socweave.1
    check "help__${command}__fits_100_columns" test -z "$("$SOCWEAVE" "$command" --help | awk 'length > 110')"
done

check_status usage__unknown_command__exit_2 2 "$SOCWEAVE" exlore
check usage__unknown_command__did_you_mean grep -q 'did you mean "explore"' "$WORK/status.err"
check_status usage__unknown_option__exit_2 2 "$SOCWEAVE" explore --sock x
check usage__unknown_option__did_you_mean grep -q 'did you mean "--soc"' "$WORK/status.err"
check_status usage__missing_option__exit_2 2 "$SOCWEAVE" explore --soc comb-small-low
check usage__missing_option__is_named grep -q -- '--workload FILE is missing' "$WORK/status.err"
check_status usage__bad_number__exit_2 2 "$SOCWEAVE" explore --soc comb-small-low --workload tiny --jobs 0
check usage__bad_number__range_is_said grep -q -- '--jobs: expected a whole number in 1..1024, got "0"' "$WORK/status.err"
check_status usage__seed_past_63_bits__exit_2 2 "$SOCWEAVE" explore --soc comb-small-low --workload tiny --seed 18446744073709551615
check_status usage__bad_choice__exit_2 2 "$SOCWEAVE" explore --soc comb-small-low --workload tiny --objective latencies
check usage__bad_choice__did_you_mean grep -q 'did you mean "latency"' "$WORK/status.err"
check_status usage__unknown_mapper__exit_2 2 "$SOCWEAVE" explore --soc comb-small-low --workload tiny --mapper best
check_status usage__stray_argument__exit_2 2 "$SOCWEAVE" explore stray
check_status io__no_such_file__exit_5 5 "$SOCWEAVE" check nowhere.json
check_status io__unwritable_out__exit_5 5 "$SOCWEAVE" explore --soc comb-small-low --workload tiny --out /proc/nowhere

"$SOCWEAVE" explore --soc comb-small-low --workload tiny --progress none --json --out "$WORK/tiny" >"$WORK/explore.json" 2>"$WORK/explore.err"
for key in makespan_ps analytic_makespan_ps energy_pj lower_bound_ps gap_frac evaluations sim_evaluations wall_s seed mapper layers groups out_dir; do
    check "json__explore__has_$key" grep -q "\"$key\":" "$WORK/explore.json"
done
check json__explore__quiet_stderr test ! -s "$WORK/explore.err"
"$SOCWEAVE" cost --soc comb-small-low --workload tiny --json >"$WORK/cost.json"
for key in layer accelerator cycles pes scratchpad_bytes energy_pj macs bytes; do
    check "json__cost__has_$key" grep -q "\"$key\":" "$WORK/cost.json"
done
if command -v python3 >/dev/null; then
    for file in explore cost tiny/result tiny/mapping tiny/resolved tiny/trace; do
        check "json__${file}__parses" python3 -m json.tool "$WORK/$file.json"
    done
else
    skip json__parses "no python3"
fi

check check__shipped_files__ok "$SOCWEAVE" check soc-configs/*.json dnn-graphs/*.json dnn-graphs/workloads/*.json

check install__into_destdir__ok make -s install BUILD="${BUILD:-build}" DESTDIR="$WORK/root" PREFIX=/usr
check install__has__program "$WORK/root/usr/bin/socweave" --version
check install__has__configs test -f "$WORK/root/usr/share/socweave/soc-configs/comb-small-low.json"
check install__elsewhere__finds_its_configs bash -c "cd / && '$WORK/root/usr/bin/socweave' cost --soc comb-small-low --workload tiny"
check uninstall__leaves__no_file test -z "$(make -s uninstall DESTDIR="$WORK/root" PREFIX=/usr; find "$WORK/root" -type f)"

check completion__bash__options bash -c '
    . cli/completion.bash
    COMP_WORDS=("'"$SOCWEAVE"'" explore --obj) COMP_CWORD=2
    _socweave
    [ "${COMPREPLY[0]}" = --objective ]'
check completion__bash__choices bash -c '
    . cli/completion.bash
    COMP_WORDS=("'"$SOCWEAVE"'" explore --objective e) COMP_CWORD=3
    _socweave
    [ "${COMPREPLY[*]}" = "energy edp" ]'

finish
