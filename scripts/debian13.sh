#!/bin/bash
# Makes a Debian 13 root with memleak-libbpf (of libbpf-tools) for `make bench`, which Debian
# 12 has not, and Python 3.13 and PyTorch 2.6 for the tests.  Does nothing when the root is there
# already.
#
#   debian13.sh [DIRECTORY]    default: /var/cache/memsnoop/debian13
#
# Prints the directory on stdout, all else on stderr.
set -euo pipefail

readonly SUITE=trixie
readonly PACKAGES=libbpf-tools,python3,python3-torch
readonly ROOT=${1:-/var/cache/memsnoop/debian13}
readonly STAMP=$ROOT/.memsnoop-packages

fail()
{
	echo "debian13.sh: $*" >&2
	exit 1
}

# shellcheck source=scripts/apt_private.sh
. "$(dirname "$0")/apt_private.sh"

if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$SUITE $PACKAGES" ]; then
	echo "$ROOT"
	exit 0
fi
[ "$(id -u)" = 0 ] || fail "needs root to make $ROOT"
command -v debootstrap >/dev/null || fail "needs debootstrap (scripts/deps.sh bench)"

uri=$(debian_mirror)
[ -n "$uri" ] || fail "apt knows no Debian mirror (is its package list there? apt-get update)"
# debootstrap does not read apt's proxy settings.
use_proxy

# Never a half-made root under the real name.
partial=$ROOT.partial
rm -rf --one-file-system "$partial"
mkdir -p "$(dirname "$ROOT")"
echo "debian13.sh: making a Debian 13 root at $ROOT, about four minutes" >&2
if ! debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$partial" "$uri" \
	>"$ROOT.log" 2>&1; then
	tail -n 5 "$ROOT.log" >&2
	rm -rf --one-file-system "$partial"
	fail "debootstrap failed, see $ROOT.log"
fi
rm -rf --one-file-system "$partial"/var/cache/apt/archives/*.deb "$ROOT"
mv "$partial" "$ROOT"
echo "$SUITE $PACKAGES" >"$STAMP"
echo "$ROOT"
