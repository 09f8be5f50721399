#!/bin/bash
# Runs every test and prints what they print; the last line is the sum.
#
#   check.sh [BATS_FILE...]    only these end-to-end tests, no unit tests
#
# Expects `make all unit targets` to have been made.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=${OUT:-.output}
readonly SANITIZED=$OUT/address,undefined # what SANITIZE=address,undefined builds
TARGETS=$(realpath "$OUT")/targets
export TARGETS
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# count NAME STATUS: adds up the TAP in $log.  A program that dies half-way, or
# reports fewer tests than it announced, has failed once more.
count()
{
	local ok not_ok skip planned

	# a skip is "ok" to bats and "not ok" to cmocka
	skip=$(grep -Eci '^(not )?ok [0-9]+.*# *skip' "$log" || true)
	ok=$(grep -Ei '^ok [0-9]+' "$log" | grep -Evic '# *skip' || true)
	not_ok=$(grep -Ei '^not ok [0-9]+' "$log" | grep -Evic '# *skip' || true)
	planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
	if [ $((ok + skip + not_ok)) -ne "$planned" ] || [ "$planned" -eq 0 ] ||
		{ [ "$2" -ne 0 ] && [ "$not_ok" -eq 0 ]; }; then
		echo "$1: ended with status $2 after $((ok + skip + not_ok)) of $planned tests"
		not_ok=$((not_ok + 1))
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
}

# run NAME COMMAND...
run()
{
	local name=$1 status=0

	shift
	echo "== $name"
	"$@" </dev/null 2>&1 | tee "$log" || status=$?
	count "$name" "$status"
}

if [ $# -eq 0 ]; then
	for source in tests/unit/*_test.c; do
		name=$(basename "$source" .c)
		run "$name" env CMOCKA_MESSAGE_OUTPUT=TAP "$OUT/tests/unit/$name"
		run "$name, sanitized" env CMOCKA_MESSAGE_OUTPUT=TAP "$SANITIZED/tests/unit/$name"
	done
	set -- tests/e2e/*.bats
fi
if [ "$(id -u)" = 0 ]; then
	for file in "$@"; do
		run "$(basename "$file")" bats --timing --formatter tap "$file"
	done
else
	echo "== end-to-end tests need root"
	failed=$((failed + 1))
fi

if [ $skipped -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ] && [ $passed -gt 0 ]
