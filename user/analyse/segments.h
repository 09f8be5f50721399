/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a caching allocator has taken from a device, segment by segment, and who keeps it from
 * being given back: a segment goes only when no block lives in it any more.
 */
#ifndef MS_SEGMENTS_H
#define MS_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory that the driver has given, or one piece of it that is mapped, where a range of addresses
 * grows piece by piece (expandable segments); `used` and `blocks` are for
 * segments_look() to fill in.
 */
struct segment {
	uint64_t address, size;
	uint64_t used, blocks;
	bool mapped;
};

/* A block that lives. */
struct segment_block {
	uint64_t address, size, stack;
};

/* A stack whose blocks hold segments that are mostly free. */
struct segment_holder {
	uint64_t stack;
	uint64_t blocks, bytes; /* of theirs, what lies in these */
	uint64_t holds_bytes;   /* free in these segments; another stack may hold the same ones */
};

struct segment_sums {
	bool whole;    /* each block lies in a segment, or in several that lie side by side */
	bool mapped;   /* some that blocks live in are pieces that are mapped */
	uint64_t held; /* segments that blocks live in, and their bytes */
	uint64_t held_bytes;
	uint64_t used_bytes; /* of these */
	uint64_t sparse;     /* of these, segments that are mostly free, and what is free there */
	uint64_t sparse_bytes;
	struct segment_holder *holders; /* those that hold most first */
	size_t holder_count;
};

/*
 * Puts each block into its segments; both are sorted by it.  Segments without a block may be
 * anybody's, and are left out.  0, and the caller frees sums->holders, or -ENOMEM.
 */
int segments_look(struct segment *segments, size_t segment_count, struct segment_block *blocks,
		  size_t block_count, struct segment_sums *sums);

#endif
