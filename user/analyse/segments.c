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

/* The one that holds all of a block, NULL if there is none. */
static struct segment *segment_of(struct segment *segments, size_t count,
				  const struct segment_block *block)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segments[middle].address <= block->address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || block->size > segments[low - 1].size ||
	    block->address - segments[low - 1].address > segments[low - 1].size - block->size)
		return NULL;
	return &segments[low - 1];
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
		sums->held_bytes += s->size;
		sums->used_bytes += s->used;
		if (is_sparse(s)) {
			sums->sparse++;
			sums->sparse_bytes += s->size - s->used;
		}
	}
}

/* Blocks come by stack, and those of a stack by address: by segment. */
static void find_holders(struct segment *segments, size_t segment_count,
			 const struct segment_block *blocks, size_t block_count,
			 struct segment_sums *sums)
{
	const struct segment *last = NULL;
	struct segment_holder *holder = NULL;

	for (size_t i = 0; i < block_count; i++) {
		const struct segment *s = segment_of(segments, segment_count, &blocks[i]);

		if (!s || !is_sparse(s))
			continue;
		if (!holder || holder->stack != blocks[i].stack) {
			holder = &sums->holders[sums->holder_count++];
			holder->stack = blocks[i].stack;
			last = NULL;
		}
		holder->blocks++;
		holder->bytes += blocks[i].size;
		if (s != last)
			holder->holds_bytes += s->size - s->used;
		last = s;
	}
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
		struct segment *s = segment_of(segments, segment_count, &blocks[i]);

		if (!s) {
			sums->whole = false;
			continue;
		}
		s->used += blocks[i].size;
		s->blocks++;
	}
	sum_up(segments, segment_count, sums);
	find_holders(segments, segment_count, blocks, block_count, sums);
	return 0;
}
