/* SPDX-License-Identifier: GPL-2.0 */
/* An array, and a map into it. */
#include "vm/bystack.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static void *item_at(const struct by_stack *t, size_t place)
{
	return (char *)t->items + place * t->size;
}

/* A map keeps pointers, and NULL is "not there": places count from 1. */
void *by_stack_find(const struct by_stack *t, uint64_t stack)
{
	const void *place = pair_map_find(&t->places, stack, 0);

	return place ? item_at(t, (uintptr_t)place - 1) : NULL;
}

void *by_stack_open(struct by_stack *t, uint64_t stack)
{
	void *item = by_stack_find(t, stack);

	if (item)
		return item;
	if (array_reserve(&t->items, t->count, &t->room, t->size))
		return NULL;
	if (pair_map_add(&t->places, stack, 0, (void *)(uintptr_t)(t->count + 1)))
		return NULL;
	item = item_at(t, t->count++);
	memset(item, 0, t->size);
	*(uint64_t *)item = stack;
	return item;
}

void by_stack_free(struct by_stack *t)
{
	free(t->items);
	pair_map_free(&t->places);
	*t = (struct by_stack){.size = t->size};
}
