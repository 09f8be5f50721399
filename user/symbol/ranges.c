/* SPDX-License-Identifier: GPL-2.0 */
/* Nested address ranges, sorted once, searched often. */
#include "symbol/ranges.h"

#include <errno.h>
#include <stdlib.h>

#define RANGES_MAX ((size_t)16 << 20)
#define NONE UINT32_MAX
/* Steps outward per search: real code nests a few deep, a hostile file without end. */
#define OUTER_STEPS 256

int ranges_add(struct ranges *r, uint64_t low, uint64_t high, uint64_t value)
{
	if (low >= high)
		return 0;
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 32;
		struct range *items;

		if (room > RANGES_MAX)
			return -E2BIG;
		items = realloc(r->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		r->items = items;
		r->room = room;
	}
	r->items[r->count++] = (struct range){low, high, value, NONE};
	return 0;
}

/* By start, the longer first: an inner range comes after the one around it. */
static int range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

void ranges_sort(struct ranges *r)
{
	uint32_t i, open;

	if (r->count)
		qsort(r->items, r->count, sizeof(*r->items), range_order);
	/* The chain of outer links is a stack of ranges that have not ended. */
	for (i = 0, open = NONE; i < r->count; i++) {
		while (open != NONE && r->items[open].high <= r->items[i].low)
			open = r->items[open].outer;
		r->items[i].outer = open;
		open = i;
	}
}

static const struct range *outward(const struct ranges *r, uint32_t at, uint64_t address)
{
	unsigned steps;

	for (steps = 0; at != NONE && steps < OUTER_STEPS; steps++) {
		if (address < r->items[at].high)
			return &r->items[at];
		at = r->items[at].outer;
	}
	return NULL;
}

const struct range *ranges_find(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? outward(r, (uint32_t)(low - 1), address) : NULL;
}

const struct range *ranges_outer(const struct ranges *r, const struct range *inner,
				 uint64_t address)
{
	return outward(r, inner->outer, address);
}

void ranges_free(struct ranges *r)
{
	free(r->items);
	*r = (struct ranges){0};
}
