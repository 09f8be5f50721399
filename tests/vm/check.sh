#!/bin/bash
# Boots each kernel of the matrix and runs in it the tests that the table names; the last
# line is the sum.
#
#   check.sh [KERNEL...]
#
# Expects `make all targets` to have been made, for another processor with its ARCH.  A
# kernel of one is called VERSION-ARCHITECTURE.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly TABLE=tests/vm/table
readonly KERNELS='6.12-arm64 sid 6.1 6.12 5.10'
# shellcheck source=scripts/tap.sh
. scripts/tap.sh
LOGS=$(mktemp -d)
jobs=()
cleanup()
{
	[ ${#jobs[@]} -eq 0 ] || kill "${jobs[@]}" 2>/dev/null || true
	wait
	rm -rf "$LOGS"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# try NAME: its TAP and what else it says in $LOGS/NAME, its status beside it.
try()
{
	local kernel status=0 start=$SECONDS architecture=amd64 root=/

	case $1 in
	*-*)
		architecture=${1#*-}
		root=$(scripts/sysroot.sh "$architecture")
		;;
	esac
	if kernel=$(tests/vm/kernel.sh "${1%%-*}" "$architecture"); then
		echo "== $1: Linux $(cat "$kernel/release")"
		tests/vm/boot.sh -r "$root" "$kernel" tests/vm/guest.sh "$1" $TABLE || status=$?
		echo "== $1: $((SECONDS - start)) s"
	else
		status=1
	fi
	echo $status >"$LOGS/$1.status"
}

[ $# -gt 0 ] || read -ra kernels <<<"$KERNELS"
[ $# -eq 0 ] || kernels=("$@")

# A machine has one processor: as many at a time as there are here.
for kernel in "${kernels[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n || true
	done
	try "$kernel" >"$LOGS/$kernel" 2>&1 </dev/null &
	jobs+=($!)
done
for kernel in "${kernels[@]}"; do
	wait "${jobs[0]}" || true
	jobs=("${jobs[@]:1}")
	cat "$LOGS/$kernel"
	tap_count "$kernel" "$(cat "$LOGS/$kernel.status" 2>/dev/null || echo 1)" "$LOGS/$kernel"
done
tap_sum
