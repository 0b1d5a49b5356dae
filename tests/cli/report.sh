#!/bin/bash
# report.html in a real browser, where there is one: no complaints, nothing fetched.
. "$(dirname "$0")/lib.sh"

tests/tools/look-at-report --self-test 2>"$WORK/self-test"
status=$?
if [ $status = 77 ]; then
    skip report__in_a_browser__no_complaints "$(cat "$WORK/self-test")"
    finish
fi
check look__broken_page__is_caught test $status = 0
check explore__small__runs "$SOCWEAVE" explore --soc edge-ring --workload edge-mix --budget-evals 300 --progress none --out "$WORK/run"
check report__in_a_browser__no_complaints tests/tools/look-at-report "$WORK/run/report.html"
finish
