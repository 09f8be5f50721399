#!/bin/bash
# Installs what a set of jobs needs, from Debian's packages.
#
#   deps.sh SET...    build test demo bench lint fuzz vm
#
# Does nothing, and needs no root, when all of it is there.
set -euo pipefail

# One package a line: set, package, what it is for.
readonly PACKAGES='
build  gcc                   the program
build  make                  its Makefile
build  libc6-dev             the C library
build  pkg-config            where the libraries are
build  clang                 the BPF side
build  llvm                  llvm-strip, which libbpf looks for
build  linux-libc-dev        the kernel headers of user space
build  libbpf-dev            loads and attaches the BPF side
build  bpftool               links it and makes the skeleton
build  libelf-dev            symbols
build  libdw-dev             functions, files and lines; separate debug files
build  libcapstone-dev       x86 instructions: where a probe is cheapest
build  libjansson-dev        JSON
build  libncurses-dev        the live table on a terminal
build  libiberty-dev         C++ and Rust names
build  libbsd-dev            <sys/tree.h>: red-black trees
build  zlib1g-dev            the checksum of debug links
build  liblzma-dev           compressed symbol tables inside files
test   bats                  the end-to-end tests
test   libcmocka-dev         the unit tests
test   jq                    looks into reports
test   python3               compares reports with ledgers
test   g++                   the C++ target
test   gcc-multilib          the 32-bit target
test   musl-tools            the musl targets
test   dwz                   shared debug files, for the symbol tests
test   binutils              objcopy and strip, for the symbol tests
test   tmux                  a terminal for the tests of the live table
test   procps                pgrep
test   util-linux            unshare, setpriv
test   libjemalloc2          preloaded in the tests
test   libtcmalloc-minimal4  preloaded in the tests
test   libmimalloc2.0        preloaded in the tests
test   redis-server          a real server, with jemalloc
test   redis-tools           its client
test   libxml2-utils         xmllint: the pictures are well-formed
test   nodejs                a real JIT, which writes perf maps and jitdumps
test   bpftrace              return probes on a target that is traced
test   debootstrap           makes the Debian 13 root of scripts/debian_root.sh
test   python3-numpy         C between calls of Python
test   python3-torch         the same, from a larger library
test   pocl-opencl-icd       OpenCL on the processor: a real device interface
test   ocl-icd-opencl-dev    its loader, to link with
test   opencl-headers        its interface
test   libhsa-runtime64-1    the real HSA, for the names of its functions
test   libze1                the real Level Zero, for the same
test   systemtap-sdt-dev     <sys/sdt.h>: tracepoints of programs, in the double of PyTorch
demo   python3-torch         the traced model
demo   python3-torchvision   ResNet-18
bench  heaptrack             a peer: preloaded
bench  bpftrace              a peer: counts by stack
bench  debootstrap           makes the Debian 13 root of scripts/debian_root.sh
bench  python3-torch         the training step
bench  python3-torchvision   the training step
lint   clang-format          the layout of C
lint   clang-tidy            C
lint   cppcheck              C
lint   shellcheck            scripts
fuzz   libclang-rt-dev       libFuzzer and the sanitizers of clang
fuzz   binutils              objcopy, for the first files to mutate
vm     qemu-system-x86       machines for other kernels
vm     qemu-system-arm       the same of another processor
vm     binutils-aarch64-linux-gnu  links what is built for it
vm     qemu-system-common    virtiofsd: they see the files of this one
vm     cpio                  their first file system
vm     xz-utils              the modules of newer kernels
'

fail()
{
	echo "deps.sh: $*" >&2
	exit 1
}

# The packages of the sets that were named, each once.
wanted()
{
	local set

	for set in "$@"; do
		grep -q "^$set " <<<"$PACKAGES" || fail "no set '$set': build test demo bench lint fuzz vm"
		awk -v set="$set" '$1 == set { print $2 }' <<<"$PACKAGES"
	done | sort -u
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A package that brings a service must not start it here: this file says no.
POLICY=/usr/sbin/policy-rc.d
forbid_services()
{
	if [ ! -e $POLICY ]; then
		printf '#!/bin/sh\nexit 101\n' >$POLICY
		chmod 755 $POLICY
		trap 'rm -f $POLICY' EXIT
	fi
}

[ $# -gt 0 ] || fail "which set? build test demo bench lint fuzz vm"
if [ ! -e /etc/debian_version ] || ! command -v apt-get >/dev/null; then
	fail "this is not a Debian system; the packages it would install are listed in this file"
fi

packages=$(wanted "$@")
missing=()
for package in $packages; do
	is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || fail "needs root to install: ${missing[*]}"

echo "deps.sh: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
forbid_services
# The package list of a fresh system is empty; one that is too old fails to fetch.
install=(apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -qq "${missing[@]}")
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! "${install[@]}" </dev/null >/dev/null; then
	apt-get update -qq </dev/null
	"${install[@]}" </dev/null >/dev/null
fi
for package in "${missing[@]}"; do
	echo "deps.sh: installed $package $(dpkg-query -W -f '${Version}' "$package")"
done
