# Sourced by the scripts of this folder: a counter of checks around the built program.
#   check NAME COMMAND…      passes if the command succeeds
#   skip NAME REASON
#   finish                   prints the totals; exit status 1 if any check failed
cd "$(dirname "$0")/../.." || exit 1
SOCWEAVE=$PWD/${BUILD:-build}/socweave
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
passed=0 failed=0 skipped=0

check() {
    local name=$1
    shift
    if "$@" >"$WORK/check.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name: $*" >&2
        sed 's/^/     /' "$WORK/check.log" | tail -n 20 >&2
    fi
}

# check_status NAME STATUS COMMAND…: passes if the command ends with this exit status.
check_status() {
    local name=$1 expected=$2
    shift 2
    "$@" >"$WORK/status.out" 2>"$WORK/status.err"
    check "$name" test $? = "$expected"
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP $1: $2" >&2
}

# The number or string of a top-level key of a JSON file.
json_value() {
    sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}
