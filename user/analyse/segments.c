/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/segments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_segments(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static int compare_stacks(const void *a, const void *b)
{
	const struct segment_block *x = a, *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static int compare_holders(const void *a, const void *b)
{
	const struct segment_holder *x = a, *y = b;

	if (x->holds_bytes != y->holds_bytes)
		return x->holds_bytes < y->holds_bytes ? 1 : -1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

/*
 * The segments that hold a block: how many, of which *first is the first.  Those of mapped memory
 * are pieces of one range of addresses, and a block may lie in several.  0 if they do not hold
 * all of it.
 */
static size_t segments_of(struct segment *segments, size_t count, const struct segment_block *block,
			  struct segment **first)
{
	uint64_t offset, left = block->size;
	size_t low = 0, high = count, i;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segments[middle].address <= block->address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	i = low - 1;
	*first = &segments[i];
	offset = block->address - segments[i].address;
	if (offset >= segments[i].size)
		return 0;
	for (; left > segments[i].size - offset; i++, offset = 0) {
		left -= segments[i].size - offset;
		if (i + 1 == count ||
		    segments[i + 1].address - segments[i].address != segments[i].size)
			return 0;
	}
	return i - low + 2;
}

/* What of a block lies in one of its segments. */
static uint64_t part_in(const struct segment *s, const struct segment_block *block)
{
	uint64_t from = s->address > block->address ? s->address : block->address;
	uint64_t room = s->size - (from - s->address);
	uint64_t left = block->size - (from - block->address);

	return left < room ? left : room;
}

/* One in which blocks live, and more room does not. */
static bool is_sparse(const struct segment *segment)
{
	return segment->blocks && segment->used < segment->size / 2;
}

static void sum_up(const struct segment *segments, size_t count, struct segment_sums *sums)
{
	for (size_t i = 0; i < count; i++) {
		const struct segment *s = &segments[i];

		if (!s->blocks)
			continue;
		sums->held++;
		sums->mapped |= s->mapped;
		sums->held_bytes += s->size;
		sums->used_bytes += s->used;
		if (is_sparse(s)) {
			sums->sparse++;
			sums->sparse_bytes += s->size - s->used;
		}
	}
}

/* Adds one block of the holder's; `last`: the segment that was looked at last for it. */
static void hold(struct segment_holder *holder, const struct segment_block *block,
		 const struct segment *first, size_t count, const struct segment **last)
{
	uint64_t bytes = 0;

	for (const struct segment *s = first; s < first + count; s++) {
		if (!is_sparse(s))
			continue;
		bytes += part_in(s, block);
		if (s != *last)
			holder->holds_bytes += s->size - s->used;
		*last = s;
	}
	holder->blocks += bytes != 0;
	holder->bytes += bytes;
}

/* Blocks come by stack, and those of a stack by address: by segment. */
static void find_holders(struct segment *segments, size_t segment_count,
			 const struct segment_block *blocks, size_t block_count,
			 struct segment_sums *sums)
{
	const struct segment *last = NULL;
	struct segment_holder *holder = sums->holders;

	for (size_t i = 0; i < block_count; i++) {
		struct segment *first = NULL;
		size_t count = segments_of(segments, segment_count, &blocks[i], &first);

		if (!i || holder->stack != blocks[i].stack) {
			holder += holder->blocks != 0;
			holder->stack = blocks[i].stack;
			last = NULL;
		}
		hold(holder, &blocks[i], first, count, &last);
	}
	sums->holder_count = (size_t)(holder - sums->holders) + (holder->blocks != 0);
	qsort(sums->holders, sums->holder_count, sizeof(*sums->holders), compare_holders);
}

int segments_look(struct segment *segments, size_t segment_count, struct segment_block *blocks,
		  size_t block_count, struct segment_sums *sums)
{
	*sums = (struct segment_sums){.whole = true,
				      .holders = calloc(block_count + 1, sizeof(*sums->holders))};
	if (!sums->holders)
		return -ENOMEM;
	if (segment_count)
		qsort(segments, segment_count, sizeof(*segments), compare_segments);
	if (block_count)
		qsort(blocks, block_count, sizeof(*blocks), compare_stacks);
	for (size_t i = 0; i < block_count; i++) {
		struct segment *first = NULL;
		size_t n = segments_of(segments, segment_count, &blocks[i], &first);

		sums->whole &= n != 0;
		for (struct segment *s = first; s < first + n; s++) {
			s->used += part_in(s, &blocks[i]);
			s->blocks++;
		}
	}
	sum_up(segments, segment_count, sums);
	find_holders(segments, segment_count, blocks, block_count, sums);
	return 0;
}
