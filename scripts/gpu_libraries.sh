#!/bin/bash
# Unpacks the real libraries of GPU vendors, for the tests to read their symbols and call what works
# without a GPU: some 5 MiB of Debian 13's packages, which this system's own are not touched
# by.  CUDA's driver and NVML are not free (non-free of Debian), which is why they are fetched here and
# not installed.  Does nothing when they are there.
#
#   gpu_libraries.sh [DIRECTORY]    default: /var/cache/memsnoop/gpu-libraries
#
# Prints the directory, in which all libraries lie side by side, on stdout, all else on stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SUITE=trixie
readonly PACKAGES='libcuda1 libnvidia-ml1 libnvtoolsext1 libhsa-runtime64-1 libze1 ocl-icd-libopencl1'
readonly TORCH=libtorch-cuda-2.6
readonly TORCH_FILES='libc10.so.2.6.0 libc10_cuda.so.2.6.0'
readonly ROOT=${1:-/var/cache/memsnoop/gpu-libraries}
readonly STAMP=$ROOT/.memsnoop-packages
readonly CONTENT="$SUITE $PACKAGES $TORCH_FILES"

fail()
{
	echo "gpu_libraries.sh: $*" >&2
	exit 1
}

# shellcheck source=scripts/apt_private.sh
. scripts/apt_private.sh

if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$CONTENT" ]; then
	echo "$ROOT"
	exit 0
fi
mkdir -p "$(dirname "$ROOT")"

# Never a half-made directory under the real name.
partial=$(mktemp -d "$ROOT.partial.XXXXXX")
work=$(mktemp -d)
trap 'rm -rf "$work" "$partial"' EXIT
echo "gpu_libraries.sh: making $ROOT of Debian $SUITE's packages" >&2
apt_private "$work/apt" "$SUITE" amd64 main contrib non-free
# shellcheck disable=SC2086  # a list of words
(cd "$work" && apt-get download -qq $PACKAGES >&2) || fail "cannot fetch the packages"
for deb in "$work"/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work"
done
find "$work/usr/lib" -name '*.so*' -exec cp -d {} "$partial" \;
uri=$(apt-get download --print-uris "$TORCH" | cut -d "'" -f 2)
[ -n "$uri" ] || fail "no package $TORCH"
use_proxy
# shellcheck disable=SC2086  # a list of words
scripts/deb_part.py "$uri" "$partial" $TORCH_FILES || fail "cannot fetch the beginning of $TORCH"
chmod 755 "$partial"
rm -rf --one-file-system "$ROOT"
mv -T "$partial" "$ROOT"
echo "$CONTENT" >"$STAMP"
echo "$ROOT"
