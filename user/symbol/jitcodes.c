/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges painted over each other, the latest on top. */
#include "symbol/jitcodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CODES_MAX ((size_t)8 << 20)
#define ADDRESS_MAX ((uint64_t)1 << 47) /* above are the kernel's addresses */
#define NONE UINT32_MAX
/* Two bounds, their owners and links, beside the range itself. */
#define COST_PER_CODE (sizeof(struct jit_code) + 2 * (sizeof(uint64_t) + 2 * sizeof(uint32_t)))

int jit_codes_add(struct jit_codes *c, const struct jit_code *code, struct budget *budget)
{
	if (code->start >= code->end || code->end > ADDRESS_MAX)
		return 0;
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct jit_code *items;

		if (room > CODES_MAX)
			return -E2BIG;
		if (!budget_take(budget, (room - c->room) * COST_PER_CODE))
			return -ENOMEM;
		items = realloc(c->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		c->items = items;
		c->room = room;
	}
	c->items[c->count++] = *code;
	return 0;
}

/* ---- building ---------------------------------------------------------- */

static int compare_bounds(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The last bound that is not above `address`; there is one. */
static size_t bound_at(const struct jit_codes *c, uint64_t address)
{
	size_t low = 0, high = c->bound_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->bounds[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static size_t bounds_sort(const struct jit_codes *c, uint64_t *bounds)
{
	size_t i, n = 0;

	for (i = 0; i < c->count; i++) {
		bounds[2 * i] = c->items[i].start;
		bounds[2 * i + 1] = c->items[i].end;
	}
	qsort(bounds, 2 * c->count, sizeof(*bounds), compare_bounds);
	for (i = 0; i < 2 * c->count; i++)
		if (!n || bounds[n - 1] != bounds[i])
			bounds[n++] = bounds[i];
	return n;
}

/* By time; of equals the one that was added last comes last. */
static int compare_times(const void *a, const void *b, void *context)
{
	const struct jit_codes *c = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (c->items[x].time != c->items[y].time)
		return c->items[x].time < c->items[y].time ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The first piece from `at` on that has no owner yet; the links to it are shortened. */
static uint32_t piece_free(uint32_t *next, uint32_t at)
{
	while (next[at] != at) {
		next[at] = next[next[at]];
		at = next[at];
	}
	return at;
}

/* Each piece is painted once, by the latest code that holds it. */
static void paint(struct jit_codes *c, const uint32_t *order, uint32_t *next)
{
	size_t i;

	for (i = 0; i < c->bound_count; i++) {
		c->owners[i] = NONE;
		next[i] = (uint32_t)i;
	}
	for (i = c->count; i-- > 0;) {
		const struct jit_code *code = &c->items[order[i]];
		uint32_t at = piece_free(next, (uint32_t)bound_at(c, code->start));

		/* The last bound ends the last code: nobody paints it. */
		while (c->bounds[at] < code->end) {
			c->owners[at] = order[i];
			next[at] = at + 1;
			at = piece_free(next, at + 1);
		}
	}
}

static void unbuild(struct jit_codes *c)
{
	free(c->bounds);
	free(c->owners);
	c->bounds = NULL;
	c->owners = NULL;
	c->bound_count = 0;
}

/* Without memory nothing is found. */
static void build(struct jit_codes *c)
{
	uint32_t *order = calloc(c->count, sizeof(*order)), *next = NULL;
	size_t i;

	unbuild(c);
	c->built = c->count;
	c->bounds = calloc(2 * c->count, sizeof(*c->bounds));
	if (!order || !c->bounds)
		goto out;
	c->bound_count = bounds_sort(c, c->bounds);
	c->owners = calloc(c->bound_count, sizeof(*c->owners));
	next = calloc(c->bound_count, sizeof(*next));
	if (!c->owners || !next)
		goto out;
	for (i = 0; i < c->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, c->count, sizeof(*order), compare_times, c);
	paint(c, order, next);
out:
	if (!next)
		unbuild(c);
	free(order);
	free(next);
}

const struct jit_code *jit_codes_find(struct jit_codes *c, uint64_t address)
{
	size_t at;

	if (c->built != c->count)
		build(c);
	if (!c->bound_count || address < c->bounds[0])
		return NULL;
	at = bound_at(c, address);
	return c->owners[at] == NONE ? NULL : &c->items[c->owners[at]];
}

void jit_codes_free(struct jit_codes *c)
{
	unbuild(c);
	free(c->items);
	*c = (struct jit_codes){0};
}
