/* SPDX-License-Identifier: GPL-2.0 */
/* Packs stacks. */
#include "collect/stackset.h"

#include <errno.h>
#include <stdlib.h>

struct packed_stack {
	size_t at; /* in `places` */
	uint32_t nr;
	enum ms_stack_end end;
	uint16_t by_pointer;
	uint64_t origin;
};

/* Room for `more` further elements. */
static int reserve(void *array, size_t size, size_t count, size_t more, size_t *room)
{
	size_t wanted = *room ? 2 * *room : 256;
	void *items;

	if (more <= *room - count)
		return 0;
	if (wanted < count + more)
		wanted = count + more;
	items = reallocarray(*(void **)array, wanted, size);
	if (!items)
		return -ENOMEM;
	*(void **)array = items;
	*room = wanted;
	return 0;
}

/* Places are kept as pointers: a map has nothing else. */
static void *as_value(size_t place)
{
	return (void *)(uintptr_t)(place + 1);
}

static size_t as_place(const void *value)
{
	return (size_t)(uintptr_t)value - 1;
}

static int place_of(struct stack_set *set, uint64_t frame, uint32_t *place)
{
	const void *known = pair_map_find(&set->by_frame, frame, 0);

	if (known) {
		*place = (uint32_t)as_place(known);
		return 0;
	}
	if (set->frame_count == UINT32_MAX ||
	    reserve(&set->frames, sizeof(*set->frames), set->frame_count, 1, &set->frame_room) ||
	    pair_map_add(&set->by_frame, frame, 0, as_value(set->frame_count)))
		return -ENOMEM;
	*place = (uint32_t)set->frame_count;
	set->frames[set->frame_count++] = frame;
	return 0;
}

int stack_set_add(struct stack_set *set, uint64_t hash, const struct ms_stack *stack)
{
	uint32_t i, nr = stack->nr;

	if (nr > MS_STACK_DEPTH + 1)
		nr = MS_STACK_DEPTH + 1;
	if (reserve(&set->stacks, sizeof(*set->stacks), set->count, 1, &set->room) ||
	    reserve(&set->places, sizeof(*set->places), set->place_count, nr, &set->place_room))
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (place_of(set, stack->frames[i], &set->places[set->place_count + i]))
			return -ENOMEM;
	if (pair_map_add(&set->by_hash, hash, 0, as_value(set->count)))
		return -ENOMEM;
	set->stacks[set->count++] = (struct packed_stack){
	    set->place_count, nr, (enum ms_stack_end)stack->end, stack->by_pointer, stack->origin};
	set->place_count += nr;
	return 0;
}

bool stack_set_find(const struct stack_set *set, uint64_t hash, struct stack_view *view)
{
	const void *known = pair_map_find(&set->by_hash, hash, 0);
	const struct packed_stack *stack = known ? &set->stacks[as_place(known)] : NULL;

	if (!stack)
		return false;
	*view = (struct stack_view){set->places + stack->at, stack->nr, stack->end,
				    stack->by_pointer, stack->origin};
	return true;
}

void stack_set_free(struct stack_set *set)
{
	free(set->frames);
	free(set->stacks);
	free(set->places);
	pair_map_free(&set->by_frame);
	pair_map_free(&set->by_hash);
	*set = (struct stack_set){0};
}
