#!/bin/bash
# Makes a root directory of Debian for another architecture: the libraries that a cross build
# links with, and enough programs for tests to run in a machine (tests/vm).  Nothing in
# it is configured, and this system's packages are left alone.  Does nothing when it is there.
#
#   sysroot.sh ARCHITECTURE    arm64
#
# Prints the directory on stdout, all else on stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly ARCHITECTURE=${1:?which architecture?}
readonly ROOT=${MEMSNOOP_SYSROOT:-/var/cache/memsnoop/sysroot-$ARCHITECTURE}
readonly STAMP=$ROOT/.memsnoop-packages
readonly PACKAGES='
	libc6-dev linux-libc-dev libstdc++-12-dev libgcc-12-dev
	libbpf-dev libelf-dev libdw-dev libcapstone-dev libjansson-dev libncurses-dev
	libiberty-dev libbsd-dev zlib1g-dev liblzma-dev libcmocka-dev
	bash bats coreutils findutils gawk grep jq procps python3 sed util-linux mount hostname
'

fail()
{
	echo "sysroot.sh: $*" >&2
	exit 1
}

# shellcheck source=scripts/apt_private.sh
. scripts/apt_private.sh

# Debian's packages may still say /bin and /lib: as in any system, links into /usr.
unpack()
{
	local deb name

	for name in bin sbin lib; do
		mkdir -p "$PARTIAL/usr/$name"
		ln -s "usr/$name" "$PARTIAL/$name"
	done
	for deb in "$WORK/apt/archives"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$PARTIAL"
	done
}

# Links that begin with / lead out of the directory, for who is not in it.
relative_links()
{
	local link target

	find "$PARTIAL" -type l -lname '/*' | while read -r link; do
		target=$PARTIAL$(readlink "$link")
		ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$target")" "$link"
	done
}

# What the packages' scripts would have done, as far as it is missed.
configure()
{
	mkdir -p "$PARTIAL"/{proc,sys,dev,run,tmp,root,etc,var/tmp,var/cache}
	ln -sf gawk "$PARTIAL/usr/bin/awk"
	echo 'root:x:0:0:root:/root:/bin/bash' >"$PARTIAL/etc/passwd"
	echo 'root:x:0:' >"$PARTIAL/etc/group"
}

packages=$(xargs <<<"$PACKAGES")
if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$packages" ]; then
	echo "$ROOT"
	exit 0
fi
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mkdir -p "$(dirname "$ROOT")"

# Never a half-made root under the real name.
PARTIAL=$(mktemp -d "$ROOT.partial.XXXXXX")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK" "$PARTIAL"' EXIT
echo "sysroot.sh: making $ROOT of Debian $suite's packages" >&2
apt_private "$WORK/apt" "$suite" "$ARCHITECTURE"
# shellcheck disable=SC2086  # a list of words
apt-get install --download-only -y -qq $packages >&2 || fail "cannot fetch the packages"
unpack
relative_links
configure
chmod 755 "$PARTIAL"
rm -rf --one-file-system "$ROOT"
mv -T "$PARTIAL" "$ROOT"
echo "$packages" >"$STAMP"
echo "$ROOT"
