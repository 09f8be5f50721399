/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/native.h"

#include <errno.h>

void native_free(struct native_marks *native)
{
	pair_map_free(&native->by_stack);
	*native = (struct native_marks){0};
}

int native_learn(struct native_marks *native, uint64_t stack, unsigned marks)
{
	if (pair_map_find(&native->by_stack, stack, 0))
		return 0;
	return pair_map_add(&native->by_stack, stack, 0, (void *)(uintptr_t)(marks + 1));
}

unsigned native_find(const struct native_marks *native, uint64_t stack)
{
	uintptr_t known = native ? (uintptr_t)pair_map_find(&native->by_stack, stack, 0) : 0;

	return known ? (unsigned)(known - 1) : 0;
}

bool native_is_open(const struct native_marks *native, uint64_t stack)
{
	return native && stack && !pair_map_find(&native->by_stack, stack, 0);
}
