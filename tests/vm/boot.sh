#!/bin/bash
# Boots a kernel in QEMU, which needs no KVM, and runs a command in it as root, in this
# repository.  The machine sees a root directory of the host, read only: the host's own
# if none is given.  Prints the command's output; the status is the command's, or 125 if the
# machine did not come so far, which its console then tells.
#
#   boot.sh [-r ROOT] [-t SECONDS] KERNEL COMMAND...    KERNEL as kernel.sh makes it
#
# The time limit is for machines that hang.
set -euo pipefail
REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd -P)
readonly REPOSITORY
readonly VM=$REPOSITORY/tests/vm
readonly VIRTIOFSD=/usr/lib/qemu/virtiofsd
readonly MEMORY=2048M

fail()
{
	echo "boot.sh: $*" >&2
	exit 125
}

root=/
limit=1800
while getopts r:t: option; do
	case $option in
	r) root=$OPTARG ;;
	t) limit=$OPTARG ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 1 ] || fail "which kernel, and what is to be run in it?"
readonly KERNEL=$1
shift
[ "$(id -u)" = 0 ] || fail "needs root, to give the machine the host's files"
[ -x $VIRTIOFSD ] || fail "no $VIRTIOFSD (scripts/deps.sh vm)"

pids=()
TMP=$(mktemp -d)
# shellcheck disable=SC2317  # the trap's
cleanup()
{
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	wait
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 125' INT TERM

# What differs between machines; the rest is virtio.
case $(cat "$KERNEL/architecture") in
amd64) machine=(qemu-system-x86_64 -append "console=ttyS0 panic=-1 quiet") ;;
arm64) machine=(qemu-system-aarch64 -machine virt -append "console=ttyAMA0 panic=-1 quiet") ;;
*) fail "$KERNEL is of an unknown architecture" ;;
esac

make_initramfs()
{
	local tree=$TMP/initramfs

	mkdir -p "$tree/bin" "$tree/modules"
	cp "$KERNEL/busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	find "$KERNEL/modules" -name '*.ko' -exec cp -t "$tree/modules" {} +
	cp "$VM/init.sh" "$tree/init"
	(cd "$tree" && find . -print0 | cpio --null --quiet -o -H newc) >"$TMP/initramfs.cpio"
}

# share TAG DIRECTORY: one more directory that the machine can mount
share()
{
	local socket=$TMP/$1.socket

	$VIRTIOFSD --socket-path="$socket" -o source="$2" -o cache=always -o sandbox=chroot \
		>"$TMP/$1.log" 2>&1 &
	pids+=($!)
	until [ -S "$socket" ]; do
		kill -0 $! 2>/dev/null || fail "virtiofsd: $(tail -n 1 "$TMP/$1.log")"
		sleep 0.02
	done
	machine+=(-chardev "socket,id=$1,path=$socket" -device "vhost-user-fs-pci,chardev=$1,tag=$1")
}

make_initramfs
mkdir "$TMP/vm"
echo "$REPOSITORY" >"$TMP/vm/repository"
printf '%q ' "$@" >"$TMP/vm/command"
: >"$TMP/vm/output"
share root "$root"
share repo "$REPOSITORY"
share vm "$TMP/vm"

# One processor: with two, a breakpoint that one changes while the other runs it has been seen to
# crash kernels under TCG.
status=0
timeout -k 10 "$limit" "${machine[@]}" -accel tcg,thread=single -cpu max -smp 1 -m $MEMORY \
	-object "memory-backend-memfd,id=mem,size=$MEMORY,share=on" -numa node,memdev=mem \
	-display none -monitor none -serial "file:$TMP/console" -no-reboot \
	-kernel "$KERNEL/vmlinuz" -initrd "$TMP/initramfs.cpio" >"$TMP/qemu" 2>&1 </dev/null &
pids+=($!)
tail -q -n +1 -s 0.2 -f --pid=$! "$TMP/vm/output" &
tail=$!
wait "${pids[-1]}" || status=$?
wait "$tail" || true
unset 'pids[-1]'

if [ -s "$TMP/vm/status" ]; then
	exit "$(cat "$TMP/vm/status")"
fi
tail -n 40 "$TMP/qemu" "$TMP/console" >&2 || true
if [ $status -eq 124 ]; then
	fail "the machine had not ended after $limit s"
fi
fail "the machine ended before the command did (QEMU's status: $status)"
