/* SPDX-License-Identifier: GPL-2.0 */
/* Another process's memory.  What is there is its own to choose. */
#ifndef MS_MEMORY_H
#define MS_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A piece to read. */
struct memory_piece {
	uint64_t address;
	void *buffer;
	size_t size;
	size_t read; /* bytes that could be read, from the start on */
};
#define MEMORY_PIECES_MAX 16

/* All of `size` bytes, or a negative errno: -EFAULT also for a part of them, -ESRCH. */
int memory_read(pid_t pid, uint64_t address, void *buffer, size_t size);
/*
 * Reads several pieces (at most MEMORY_PIECES_MAX), in one system call where all
 * of them can be read.  Says in each how much was.  0, -ESRCH or -EPERM.
 */
int memory_read_pieces(pid_t pid, struct memory_piece *pieces, size_t count);

#endif
