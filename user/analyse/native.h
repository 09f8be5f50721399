/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the names of a stack's native functions say.  They are read late, outside of the way of
 * events, because symbols take time: until then what depends on them waits.
 */
#ifndef MS_NATIVE_H
#define MS_NATIVE_H

#include "analyse/blocks.h"
#include "symbol/intern.h"

struct native_marks {
	struct pair_map by_stack; /* -> marks + 1 */
};

void native_free(struct native_marks *native);
/* The names of a stack have been read, and say this.  0 or -ENOMEM. */
int native_learn(struct native_marks *native, uint64_t stack, unsigned marks);
/* 0 of one whose names were not read; `native` may be NULL: none ever are. */
unsigned native_find(const struct native_marks *native, uint64_t stack);
/* Whether the names of a stack are still to be read. */
bool native_is_open(const struct native_marks *native, uint64_t stack);

/* Bytes of a block whose category is open, and what it is if its names say nothing, or that. */
struct waiting {
	uint64_t stack, size;
	double born_s, died_s;
	uint32_t device; /* its place in the blocks' list */
	unsigned marks;
	uint8_t plain, workspace; /* categories */
};

struct waitings {
	struct waiting *items;
	size_t count, room;
};

#endif
