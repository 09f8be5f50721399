/* SPDX-License-Identifier: GPL-2.0 */
/* Unwind tables in the kernel: each is a BPF array of its exact size, in a slot. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/kernel.h"
#include "collect/maps.h"
#include "unwind.h"

/* Fills an array map through its own memory: one copy, no system call a block. */
static int fill(int fd, const void *blocks, size_t count)
{
	size_t bytes = count * MS_UNWIND_BLOCK;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, blocks, bytes);
	munmap(memory, bytes);
	return 0;
}

int kernel_unwind_set(struct kernel *k, uint32_t slot, const void *blocks, size_t count)
{
	/* BPF_F_INNER_MAP: the tables differ in size (5.10, commit 4a8f87e60f6d). */
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_table", sizeof(uint32_t),
				MS_UNWIND_BLOCK, count, &options);
	int err;

	if (fd < 0)
		return -errno;
	err = fill(fd, blocks, count);
	if (!err && maps_put(kernel_unwind_fd(k), &slot, &fd, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

void kernel_unwind_clear(struct kernel *k, uint32_t slot)
{
	maps_drop(kernel_unwind_fd(k), &slot);
}
