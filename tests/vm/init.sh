#!/bin/sh
# The first process of the machine that boot.sh starts: takes the host's files in, read
# only, runs the command that lies in the exchange, leaves its status there, and ends.

# until_in FILE...: modules need each other, in an order that differs between kernels.
# shellcheck disable=SC3043  # busybox knows local
until_in()
{
	local tries=0 file left=

	while [ $# -gt 0 ] && [ $tries -lt 8 ]; do
		left=
		for file; do
			insmod "$file" 2>/dev/null || left="$left $file"
		done
		# shellcheck disable=SC2086  # a list of words
		set -- $left
		tries=$((tries + 1))
	done
	[ $# -eq 0 ] || echo "init: cannot insert:$left"
}

# share TAG DIRECTORY [OPTION]
share()
{
	mkdir -p "$2"
	mount -t virtiofs -o "${3:-ro}" "$1" "$2" || halt "cannot mount $1"
}

halt()
{
	echo "init: $*"
	sync
	poweroff -f
}

export PATH=/bin
/bin/busybox mkdir -p /proc /sys /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
[ -z "$(ls /modules)" ] || until_in /modules/*.ko

# What the kernel gives goes over what the host's has in its place; what is written goes
# into memory.  The repository may well lie in one of those.
share root /root
for place in tmp run var/tmp var/cache; do
	mount -t tmpfs -o mode=1777 tmpfs "/root/$place"
done
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount --move /dev /root/dev
ln -s /proc/self/fd /root/dev/fd
ln -s /proc/self/fd/0 /root/dev/stdin
ln -s /proc/self/fd/1 /root/dev/stdout
ln -s /proc/self/fd/2 /root/dev/stderr
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /root/dev/shm
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
share vm /root/run/vm rw
repository=$(cat /root/run/vm/repository)
# Another machine's root has no such place, and is read only.
mkdir -p "/root$repository" 2>/dev/null || repository=/var/tmp/repository
share repo "/root$repository"
hostname vm
ip link set lo up

env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp TERM=dumb \
	/bin/busybox chroot /root /bin/bash -c "cd $repository && . /run/vm/command" \
	</root/dev/null >/root/run/vm/output 2>&1
echo $? >/root/run/vm/status
halt "done"
