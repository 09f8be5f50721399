/* SPDX-License-Identifier: GPL-2.0 */
/* Blocks in order. */
#include "vm/blocks.h"

#include "vm/radix.h"

/* Of those at one address the longest comes first: the others lie in it. */
static void longest_first(struct block *blocks, size_t count)
{
	size_t i, first = 0;

	for (i = 1; i < count; i++) {
		if (blocks[i].address != blocks[first].address) {
			first = i;
		} else if (blocks[i].size > blocks[first].size) {
			struct block longer = blocks[i];

			blocks[i] = blocks[first];
			blocks[first] = longer;
		}
	}
}

void blocks_sort(struct block *blocks, size_t count)
{
	uint64_t covered = 0;
	size_t i;

	radix_sort(blocks, count, sizeof(*blocks));
	longest_first(blocks, count);
	for (i = 0; i < count; i++) {
		uint64_t start = blocks[i].address, end = start + blocks[i].size;

		if (end < start)
			end = UINT64_MAX;
		start = start > covered ? start : covered;
		end = end > start ? end : start;
		blocks[i].address = start;
		blocks[i].size = end - start;
		covered = end;
	}
}

size_t blocks_from(const struct block *blocks, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks[middle].address + blocks[middle].size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t blocks_within(const struct block *blocks, size_t count, size_t *at, uint64_t start,
		       uint64_t end)
{
	uint64_t bytes = 0;
	size_t i;

	while (*at < count && blocks[*at].address + blocks[*at].size <= start)
		++*at;
	for (i = *at; i < count && blocks[i].address < end; i++) {
		uint64_t from = blocks[i].address, to = from + blocks[i].size;

		bytes += (to < end ? to : end) - (from > start ? from : start);
	}
	return bytes;
}
