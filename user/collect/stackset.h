/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks by hash, packed: each different frame is kept once and has a small
 * number, its place in `frames`.
 */
#ifndef MS_STACKSET_H
#define MS_STACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memsnoop.h"
#include "symbol/intern.h"

struct stack_view {
	const uint32_t *places; /* of its frames, innermost first */
	uint32_t nr;
	enum ms_stack_end end;
	uint16_t by_pointer;
	uint64_t origin;
};

struct stack_set {
	uint64_t *frames; /* as the kernel side has them, each once */
	size_t frame_count, frame_room;
	struct packed_stack *stacks;
	size_t count, room;
	uint32_t *places; /* of all stacks, one behind the other */
	size_t place_count, place_room;
	struct pair_map by_frame, by_hash; /* -> place + 1 */
};

/* Adds a stack that was not added before.  0 or -ENOMEM. */
int stack_set_add(struct stack_set *set, uint64_t hash, const struct ms_stack *stack);
/* Valid until the next stack_set_add(); false: it is not there. */
bool stack_set_find(const struct stack_set *set, uint64_t hash, struct stack_view *view);
void stack_set_free(struct stack_set *set);

#endif
