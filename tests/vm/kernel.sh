#!/bin/bash
# Fetches one of Debian's kernels, with what it needs to see the host's files, and prints
# the directory where it lies.  One that is there already is left as it is.
#
#   kernel.sh NAME [ARCHITECTURE]
#
#   DIRECTORY/vmlinuz    the kernel
#            /modules/   virtiofs and all it needs, as far as it is not in the kernel
#            /busybox    static, of that architecture
#            /release    uname -r
#            /architecture
#
# To have the newest of a suite again, remove its directory.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly NAME=${1:?which kernel?}
readonly ARCHITECTURE=${2:-amd64}
readonly CACHE=${MEMSNOOP_KERNELS:-/var/cache/memsnoop/kernels}
readonly KERNEL=$CACHE/$NAME-$ARCHITECTURE

# Name, suite of Debian.
readonly SUITES='
5.10  bullseye
6.1   bookworm
6.12  trixie
sid   sid
'
# In whatever order: the machine tries until all are in.  Old ones lack the middle two.
readonly MODULES='virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse virtiofs'

fail()
{
	echo "kernel.sh: $*" >&2
	exit 1
}

# shellcheck source=scripts/apt_private.sh
. scripts/apt_private.sh

# The packages that the newest cloud kernel of the suite consists of.
packages()
{
	apt-cache depends --recurse --important "linux-image-cloud-$ARCHITECTURE" |
		grep -E '^linux-(image|binary|modules|base)-[0-9]' | sort -u
}

# unpack PACKAGE...
unpack()
{
	local deb

	(cd "$WORK" && apt-get download -qq "$@" >&2) || fail "cannot fetch $*"
	for deb in "$WORK"/*.deb; do
		dpkg-deb -x "$deb" "$WORK/root"
		rm "$deb"
	done
}

# module FILE: uncompressed, into the kernel's directory
module()
{
	local name

	name=$(basename "${1%.xz}")
	case $1 in
	*.xz) xz -dc "$1" >"$PARTIAL/modules/$name" ;;
	*) cp "$1" "$PARTIAL/modules/$name" ;;
	esac
}

collect()
{
	local image name file

	image=$(find "$WORK/root" -name 'vmlinuz*' -type f)
	[ -f "$image" ] || fail "no vmlinuz in the packages of $NAME: $(packages | paste -sd ' ')"
	mkdir "$PARTIAL/modules"
	cp "$image" "$PARTIAL/vmlinuz"
	for name in $MODULES; do
		file=$(find "$WORK/root" \( -name "$name.ko" -o -name "$name.ko.xz" \) -type f)
		[ -z "$file" ] || module "$file"
	done
	[ -e "$PARTIAL/modules/virtiofs.ko" ] ||
		grep -rqs --include=modules.builtin '/virtiofs\.ko' "$WORK/root" ||
		fail "no virtiofs in the packages of $NAME"
	basename "$(find "$WORK/root" -path '*/modules/*' -name kernel -printf '%h\n' -quit)" >"$PARTIAL/release"
	cp "$(find "$WORK/root" -path "*bin/busybox" -type f)" "$PARTIAL/busybox"
	echo "$ARCHITECTURE" >"$PARTIAL/architecture"
}

if [ -d "$KERNEL" ]; then
	echo "$KERNEL"
	exit 0
fi
suite=$(awk -v name="$NAME" '$1 == name { print $2 }' <<<"$SUITES")
[ -n "$suite" ] || fail "no kernel '$NAME': $(awk 'NF { print $1 }' <<<"$SUITES" | paste -sd ' ')"
mkdir -p "$CACHE"

# Never a half-made kernel under the real name.
PARTIAL=$(mktemp -d "$CACHE/$NAME.partial.XXXXXX")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK" "$PARTIAL"' EXIT
echo "kernel.sh: fetching Debian $suite's kernel for $ARCHITECTURE" >&2
apt_private "$WORK/apt" "$suite" "$ARCHITECTURE"
mapfile -t wanted < <(packages)
[ ${#wanted[@]} -gt 0 ] || fail "Debian $suite has no linux-image-cloud-$ARCHITECTURE"
unpack busybox-static "${wanted[@]}"
collect
chmod 755 "$PARTIAL"
mv -T "$PARTIAL" "$KERNEL"
echo "kernel.sh: Linux $(cat "$KERNEL/release") is in $KERNEL" >&2
echo "$KERNEL"
