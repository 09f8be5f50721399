/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address ranges that may nest and overlap; which ones hold an address,
 * innermost (latest start) first.
 */
#ifndef MS_RANGES_H
#define MS_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t low, high; /* [low, high) */
	uint64_t value;     /* the caller's */
	uint32_t outer;     /* index of the nearest earlier range still open at low */
};

struct ranges {
	struct range *items;
	size_t count, room;
};

/* An empty range is ignored.  0, -ENOMEM, or -E2BIG when there are too many. */
int ranges_add(struct ranges *r, uint64_t low, uint64_t high, uint64_t value);
/* Call once after the last ranges_add(). */
void ranges_sort(struct ranges *r);
/* The innermost range that holds `address`, or NULL. */
const struct range *ranges_find(const struct ranges *r, uint64_t address);
/* The next one outward from `inner` that holds `address`, or NULL. */
const struct range *ranges_outer(const struct ranges *r, const struct range *inner,
				 uint64_t address);
void ranges_free(struct ranges *r);

#endif
