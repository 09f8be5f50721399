/* SPDX-License-Identifier: GPL-2.0 */
/* Records of page faults: who touched a page first. */
#ifndef MS_TOUCH_H
#define MS_TOUCH_H

#include <stddef.h>
#include <stdint.h>

#include "vm/extents.h"

struct touch {
	uint64_t page;    /* its address; touches_sort() rounds it down */
	uint64_t stack;   /* that touched it */
	uint64_t time_ns; /* when, by the clock of the extents; 0: not known */
};

/* Sorts by page.  Of several of one page the latest stays.  How many there are then. */
size_t touches_sort(struct touch *touches, size_t count);
/*
 * Drops those of pages that are no longer mapped, or that a call has mapped anew
 * since: they tell of what was there before.  They are sorted, and stay so; how
 * many there are then.
 */
size_t touches_prune(struct touch *touches, size_t count, const struct extents *extents);

#endif
