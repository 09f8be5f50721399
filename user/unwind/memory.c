/* SPDX-License-Identifier: GPL-2.0 */
/* process_vm_readv(2): of several pieces it reads up to the first page that is not there. */
#include "unwind/memory.h"

#include <errno.h>
#include <sys/uio.h>

#define PAGE ((uint64_t)4096)

static struct iovec remote_piece(uint64_t address, size_t size)
{
	/* It is an address of another process. */
	return (struct iovec){.iov_base = (void *)(uintptr_t)address, /* NOLINT */
			      .iov_len = size};
}

int memory_read(pid_t pid, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = {.iov_base = buffer, .iov_len = size};
	struct iovec remote = remote_piece(address, size);
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

static int read_some(pid_t pid, struct memory_piece *piece)
{
	int err;

	piece->read = 0;
	while (piece->read < piece->size) {
		uint64_t at = piece->address + piece->read;
		size_t left = piece->size - piece->read;
		size_t want = PAGE - at % PAGE < left ? (size_t)(PAGE - at % PAGE) : left;

		err = memory_read(pid, at, (char *)piece->buffer + piece->read, want);
		if (err)
			return err == -ESRCH || err == -EPERM ? err : 0;
		piece->read += want;
	}
	return 0;
}

int memory_read_pieces(pid_t pid, struct memory_piece *pieces, size_t count)
{
	struct iovec local[MEMORY_PIECES_MAX] = {0}, remote[MEMORY_PIECES_MAX] = {0};
	size_t i, size = 0;
	int err = 0;

	if (count > MEMORY_PIECES_MAX)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		local[i] = (struct iovec){.iov_base = pieces[i].buffer, .iov_len = pieces[i].size};
		remote[i] = remote_piece(pieces[i].address, pieces[i].size);
		pieces[i].read = pieces[i].size;
		size += pieces[i].size;
	}
	if (process_vm_readv(pid, local, count, remote, count, 0) == (ssize_t)size)
		return 0;
	for (i = 0; i < count && !err; i++)
		err = read_some(pid, &pieces[i]);
	return err;
}
