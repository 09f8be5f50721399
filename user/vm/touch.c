/* SPDX-License-Identifier: GPL-2.0 */
/* Touches in order. */
#include "vm/touch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

size_t touches_sort(struct touch *touches, size_t count)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		touches[i].page &= ~(page - 1);
	if (count)
		qsort(touches, count, sizeof(*touches), compare);
	for (i = 0; i < count; i++) {
		if (kept && touches[kept - 1].page == touches[i].page)
			kept--;
		touches[kept++] = touches[i];
	}
	return kept;
}

/* What no call is known to have mapped (serial 0) was there before any touch. */
static bool is_older(const struct touch *touch, const struct extent *x)
{
	return x->serial && touch->time_ns && touch->time_ns < x->born_ns;
}

size_t touches_prune(struct touch *touches, size_t count, const struct extents *extents)
{
	const struct extent *x = count ? extents_from(extents, touches[0].page) : NULL;
	size_t i, kept = 0;

	for (i = 0; i < count && x; i++) {
		if (x->end <= touches[i].page)
			x = extents_from(extents, touches[i].page);
		if (x && x->start <= touches[i].page && !is_older(&touches[i], x))
			touches[kept++] = touches[i];
	}
	return kept;
}
