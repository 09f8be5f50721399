/* SPDX-License-Identifier: GPL-2.0 */
/* Who made tensors in which stage. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "collect/fill.h"

struct entry {
	uint32_t image;
	enum stage_kind stage;
	uint64_t stack;
	struct made made;
};

struct entries {
	struct entry *items;
	size_t count, room;
	uint32_t image; /* whose are added */
	int err;
};

static void add_entry(uint64_t stack, enum stage_kind stage, struct made made, void *context)
{
	struct entries *e = context;

	if (!e->err)
		e->err = array_reserve(&e->items, e->count, &e->room, sizeof(*e->items));
	if (!e->err)
		e->items[e->count++] = (struct entry){e->image, stage, stack, made};
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	if (x->made.bytes != y->made.bytes)
		return x->made.bytes < y->made.bytes ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static int fill_entries(struct snapshot *s, const struct entries *entries,
			const struct numbers *numbers, struct stack_list *list)
{
	size_t i;

	s->makers = calloc(entries->count + 1, sizeof(*s->makers));
	s->maker_stacks = list->stacks = calloc(entries->count + 1, sizeof(*s->maker_stacks));
	list->keys = calloc(entries->count + 1, sizeof(*list->keys));
	if (!s->makers || !s->maker_stacks || !list->keys)
		return -ENOMEM;
	for (i = 0; i < entries->count; i++) {
		const struct entry *e = &entries->items[i];

		list->keys[i] = (struct ms_stack_key){
		    .id = e->image, .layer = MS_LAYER_TENSOR, .hash = e->stack};
		s->makers[i] = (struct stage_maker){stage_names[e->stage]};
		s->maker_stacks[i] = (struct stack){.process = numbers->by_image_id[e->image],
						    .layer = LAYER_TENSOR,
						    .allocs = e->made.count,
						    .alloc_bytes = e->made.bytes};
	}
	s->maker_count = entries->count;
	return 0;
}

int makers_list(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		struct stack_list *lists, size_t *list_count)
{
	struct stack_list *list = &lists[*list_count];
	struct entries entries = {0};
	int err;

	*list = (struct stack_list){.count = &s->maker_count, .apart = true};
	++*list_count;
	for (; entries.image < c->tensors.room && entries.image <= numbers->max_id; entries.image++)
		if (c->tensors.items[entries.image] &&
		    numbers->by_image_id[entries.image] != SIZE_MAX)
			tensors_each_maker(c->tensors.items[entries.image], add_entry, &entries);
	if (entries.count)
		qsort(entries.items, entries.count, sizeof(*entries.items), compare_entries);
	err = entries.err ? entries.err : fill_entries(s, &entries, numbers, list);
	free(entries.items);
	return err;
}
