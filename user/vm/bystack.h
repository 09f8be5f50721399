/* SPDX-License-Identifier: GPL-2.0 */
/* A table of something for each stack, in the order the stacks were first seen. */
#ifndef MS_BYSTACK_H
#define MS_BYSTACK_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/intern.h"

struct by_stack {
	size_t size; /* of an item, whose first member is the stack's name, a uint64_t; set by the
			user */
	void *items;
	size_t count, room;
	struct pair_map places; /* name -> place + 1 */
};

/* The item of this stack, NULL if there is none; valid until the next by_stack_open(). */
void *by_stack_find(const struct by_stack *table, uint64_t stack);
/* The same; it is made, all else 0, if there is none.  NULL: no memory. */
void *by_stack_open(struct by_stack *table, uint64_t stack);
void by_stack_free(struct by_stack *table);

#endif
