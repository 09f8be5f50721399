/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who allocates tensors in which stage of a process: bytes by stack.  What a forward pass
 * is, part of a training or an evaluation, shows only when it is over: until then what it makes
 * is kept apart.
 */
#ifndef MS_MAKERS_H
#define MS_MAKERS_H

#include "analyse/tensor.h"
#include "symbol/intern.h"

struct made {
	uint64_t bytes, count;
};

/* A stack, and what it made in each stage. */
struct maker {
	uint64_t stack;
	struct made made[STAGE_NR], open;
};

struct makers {
	struct maker *items;
	size_t count, room;
	struct pair_map places; /* stack -> place + 1 */
	size_t *open;           /* places of those that made something in the open pass */
	size_t open_count, open_room;
};

void made_add(struct made *made, struct made more);
void makers_free(struct makers *makers);
/* An allocation in a stage; STAGE_FORWARD: in the pass that is open.  0 or -ENOMEM. */
int makers_add(struct makers *makers, enum stage_kind stage, uint64_t stack, uint64_t bytes);
/* The open pass is over, and was this. */
void makers_settle(struct makers *makers, enum stage_kind stage);

#endif
