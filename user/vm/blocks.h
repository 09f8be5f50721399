/* SPDX-License-Identifier: GPL-2.0 */
/* Live heap blocks of a process, and how much of some range they are. */
#ifndef MS_BLOCKS_H
#define MS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uint64_t address, size; /* bytes, neither rounded */
	uint64_t stack;         /* that allocated it */
};

/*
 * Sorts by address, and makes blocks disjoint: one within another (a pool's,
 * probed beside the malloc it takes its memory from) gives way to the outer one
 * and is shortened, to nothing if need be.  All else here wants them so.
 */
void blocks_sort(struct block *blocks, size_t count);
/* The first block that ends above `address`; `count` if there is none. */
size_t blocks_from(const struct block *blocks, size_t count, uint64_t address);
/*
 * Bytes of blocks in [start, end).  *at is where to look, 0 at first; then it knows
 * where it was, if ranges are asked for in rising order.
 */
uint64_t blocks_within(const struct block *blocks, size_t count, size_t *at, uint64_t start,
		       uint64_t end);

#endif
