/* SPDX-License-Identifier: GPL-2.0 */
/* Touches in order. */
#include "vm/touch.h"

#include <stdbool.h>
#include <unistd.h>

#include "vm/radix.h"

size_t touches_sort(struct touch *touches, size_t count)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		touches[i].page &= ~(page - 1);
	radix_sort(touches, count, sizeof(*touches));
	for (i = 0; i < count; i++) {
		if (!kept || touches[kept - 1].page != touches[i].page)
			touches[kept++] = touches[i];
		else if (touches[kept - 1].time_ns <= touches[i].time_ns)
			touches[kept - 1] = touches[i];
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
