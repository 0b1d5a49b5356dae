#!/bin/bash
# A full disk: exit 5, the old files stay, nothing half written is left.
. "$(dirname "$0")/lib.sh"

run() {
    "$SOCWEAVE" explore --soc comb-small-low --workload tiny --progress none --seed "$1" --out "$2"
}

# RLIMIT_FSIZE works for everybody; SIGXFSZ ignored turns the limit into EFBIG.
run 1 "$WORK/out" >/dev/null 2>&1
cp -r "$WORK/out" "$WORK/before"
(
    trap '' XFSZ
    ulimit -f 2
    run 2 "$WORK/out" >/dev/null 2>"$WORK/err"
)
check full_disk__file_size_limit__exit_5 test $? = 5
check full_disk__file_size_limit__says_why grep -q 'File too large' "$WORK/err"
check full_disk__file_size_limit__no_temporary test -z "$(find "$WORK/out" -name '*tmp*' -o -name '.*' -type f)"
check full_disk__file_size_limit__large_file_is_old cmp "$WORK/before/report.html" "$WORK/out/report.html"

mkdir "$WORK/small"
if mount -t tmpfs -o size=16k tmpfs "$WORK/small" 2>/dev/null; then
    run 1 "$WORK/small/out" >/dev/null 2>"$WORK/err"
    check full_disk__tmpfs__exit_5 test $? = 5
    check full_disk__tmpfs__says_why grep -q 'No space left' "$WORK/err"
    check full_disk__tmpfs__no_temporary test -z "$(find "$WORK/small" -name '*tmp*')"
    umount "$WORK/small"
else
    skip full_disk__tmpfs "mounting a tmpfs needs root"
fi

finish
