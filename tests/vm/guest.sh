#!/bin/bash
# Runs, in the machine, the rows of a table of tests that are for this kernel, and prints their TAP.
#
#   guest.sh KERNEL TABLE
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly KERNEL=$1

# Everything is twenty times slower here: only a hang reaches this.
export DEADLINE=900
# The host's cache of unwind tables is not there.
mkdir -p /var/cache/memsnoop
out=$PWD/.output
MEMSNOOP=$PWD/memsnoop
if [ "$(uname -m)" = aarch64 ]; then
	out=$out/arm64
	MEMSNOOP=$out/memsnoop
fi
TARGETS=$out/targets
export MEMSNOOP TARGETS

status=0
rows=0
while read -r kernels file names; do
	[[ $kernels != '#'* && -n $kernels ]] || continue
	[[ $kernels = all || ,$kernels, = *,"$KERNEL",* ]] || continue
	rows=$((rows + 1))
	echo "== $KERNEL: $file $names"
	bats --timing --formatter tap ${names:+--filter "$names"} "$file" || status=1
done <"$2"
[ $rows -gt 0 ] || status=1
exit $status
