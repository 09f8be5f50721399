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
# shellcheck source=scripts/tap.sh
. scripts/tap.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# run NAME COMMAND...
run()
{
	local name=$1 status=0

	shift
	echo "== $name"
	"$@" </dev/null 2>&1 | tee "$log" || status=$?
	tap_count "$name" "$status" "$log"
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

tap_sum
