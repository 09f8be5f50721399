/* SPDX-License-Identifier: GPL-2.0 */
/* Touches in order. */
#include "vm/touch.h"

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
		if (kept && touches[kept - 1].page == touches[i].page)
			kept--;
		touches[kept++] = touches[i];
	}
	return kept;
}
