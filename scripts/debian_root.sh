#!/bin/bash
# Makes a root of a later Debian than 12, with what is newer there or not in 12.  Does nothing
# when the root is there already.
#
#   debian_root.sh RELEASE [DIRECTORY]    default: /var/cache/memsnoop/debianRELEASE
#
#   13       memleak-libbpf (of libbpf-tools) for `make bench`; Python 3.13 and PyTorch 2.6 for
#            the tests
#   testing  for `make check-next`: the newest Python and PyTorch, llama.cpp and whisper.cpp.  It
#            goes on changing, but not this root: remove it to have it made anew
#
# Prints the directory on stdout, all else on stderr.
set -euo pipefail

fail()
{
	echo "debian_root.sh: $*" >&2
	exit 1
}

readonly RELEASE=${1:-}
case $RELEASE in
13)
	readonly SUITE=trixie PACKAGES=(libbpf-tools python3 python3-torch)
	;;
testing)
	readonly SUITE=testing PACKAGES=(python3 python3-torch python3-gguf llama.cpp-tools
		libggml0-backend-vulkan mesa-vulkan-drivers whisper.cpp-tools)
	;;
*) fail "usage: debian_root.sh 13|testing [DIRECTORY]" ;;
esac
readonly ROOT=${2:-/var/cache/memsnoop/debian$RELEASE}
readonly STAMP=$ROOT/.memsnoop-packages

# shellcheck source=scripts/apt_private.sh
. "$(dirname "$0")/apt_private.sh"

if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$SUITE ${PACKAGES[*]}" ]; then
	echo "$ROOT"
	exit 0
fi
[ "$(id -u)" = 0 ] || fail "needs root to make $ROOT"
command -v debootstrap >/dev/null || fail "needs debootstrap (scripts/deps.sh bench)"

uri=$(debian_mirror)
[ -n "$uri" ] || fail "apt knows no Debian mirror (is its package list there? apt-get update)"
# debootstrap does not read apt's proxy settings.
use_proxy

# What debootstrap resolves dependencies by is too simple for more than apt itself.
make_root()
{
	local partial=$1

	debootstrap --variant=minbase "$SUITE" "$partial" "$uri" /usr/share/debootstrap/scripts/sid &&
		env DEBIAN_FRONTEND=noninteractive chroot "$partial" \
			apt-get install -q -y --no-install-recommends "${PACKAGES[@]}"
}

# Never a half-made root under the real name.
partial=$ROOT.partial
rm -rf --one-file-system "$partial"
mkdir -p "$(dirname "$ROOT")"
echo "debian_root.sh: making a root of Debian $RELEASE at $ROOT, about four minutes" >&2
if ! make_root "$partial" >"$ROOT.log" 2>&1; then
	tail -n 5 "$ROOT.log" >&2
	rm -rf --one-file-system "$partial"
	fail "it failed, see $ROOT.log"
fi
rm -rf --one-file-system "$partial"/var/cache/apt/archives/*.deb "$ROOT"
mv "$partial" "$ROOT"
echo "$SUITE ${PACKAGES[*]}" >"$STAMP"
echo "$ROOT"
