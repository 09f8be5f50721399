/* SPDX-License-Identifier: GPL-2.0 */
/* Records of page faults: who touched a page first. */
#ifndef MS_TOUCH_H
#define MS_TOUCH_H

#include <stddef.h>
#include <stdint.h>

struct touch {
	uint64_t page;  /* its address; touches_sort() rounds it down */
	uint64_t stack; /* that touched it */
};

/* Sorts by page.  Of several of one page the last stays.  How many there are then. */
size_t touches_sort(struct touch *touches, size_t count);

#endif
