/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The allocators of devices in a snapshot: what they have taken, by the tensor layer's
 * reports; its segments, by the gpu layer's calls; and who holds these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/segments.h"
#include "base/array.h"
#include "collect/collect.h"
#include "collect/fill.h"

#define HOLDERS_MAX 32 /* stacks of one allocator that are named */

/* ---- what lies where ---------------------------------------------------------------- */

struct layout {
	uint16_t device;
	struct segment *segments;
	size_t segment_count, segment_room;
	struct segment_block *blocks;
	size_t block_count, block_room;
	int err;
};

static void add_segment(uint64_t address, uint64_t size, bool mapped, void *context)
{
	struct layout *l = context;

	if (!l->err)
		l->err = array_reserve(&l->segments, l->segment_count, &l->segment_room,
				       sizeof(*l->segments));
	if (l->err)
		return;
	l->segments[l->segment_count++] =
	    (struct segment){.address = address, .size = size, .mapped = mapped};
}

static void add_block(const struct tensor_block *block, unsigned category, bool at_peak,
		      void *context)
{
	struct layout *l = context;

	(void)category;
	if (at_peak || block->device != l->device || l->err)
		return;
	l->err = array_reserve(&l->blocks, l->block_count, &l->block_room, sizeof(*l->blocks));
	if (l->err)
		return;
	l->blocks[l->block_count++] =
	    (struct segment_block){block->address, block->size, block->stack};
}

/* Of one device of an image.  0, and the caller frees sums->holders, or -ENOMEM. */
static int look(const struct collect *c, uint32_t id, uint16_t device, struct segment_sums *sums)
{
	struct layout l = {.device = device};
	struct gpu *gpu = gpus_opened(&c->gpus, id);
	int err;

	if (gpu)
		gpu_each_segment(gpu, add_segment, &l);
	tensors_each(c->tensors.items[id], add_block, &l);
	err = l.err ? l.err
		    : segments_look(l.segments, l.segment_count, l.blocks, l.block_count, sums);
	free(l.segments);
	free(l.blocks);
	return err;
}

/* ---- a snapshot's -------------------------------------------------------------------- */

static struct allocator_moment moment_of(const struct tensor_use_of_device *use)
{
	struct allocator_moment m = {
	    .reserved_bytes = use->reserved,
	    .allocated_bytes = use->allocated,
	    .requested_bytes = use->requested,
	    .rounding_bytes = use->told - use->requested,
	};

	/* Numbers of several moments, if events were lost. */
	if (use->allocated > use->told)
		m.untold_bytes = use->allocated - use->told;
	if (use->reserved > use->allocated)
		m.unused_bytes = use->reserved - use->allocated;
	return m;
}

/*
 * How the unused bytes lie.  It is known if all of what is given out is blocks that are known,
 * in segments that are.
 */
static void set_segments(struct allocator *a, const struct tensor_allocator *of,
			 const struct segment_sums *sums)
{
	a->segments_known = sums->whole && of->live_bytes == of->now.allocated &&
			    sums->held_bytes <= of->now.reserved;
	if (!a->segments_known)
		return;
	a->held_segments = sums->held;
	a->sparse_segments = sums->sparse;
	a->mapped = sums->mapped;
	a->sparse_bytes = sums->sparse_bytes;
	a->stranded_bytes = sums->held_bytes - sums->used_bytes;
	a->cached_bytes = of->now.reserved - sums->held_bytes;
}

static int add_holders(struct snapshot *s, size_t process, uint32_t id,
		       const struct segment_sums *sums, struct stack_list *list)
{
	size_t more = sums->holder_count < HOLDERS_MAX ? sums->holder_count : HOLDERS_MAX;
	size_t room = s->holder_count + more + 1, i;
	void *holders = reallocarray(s->holders, room, sizeof(*s->holders)), *stacks, *keys;

	if (holders)
		s->holders = holders;
	stacks = reallocarray(s->holder_stacks, room, sizeof(*s->holder_stacks));
	if (stacks)
		s->holder_stacks = stacks;
	keys = reallocarray(list->keys, room, sizeof(*list->keys));
	if (keys)
		list->keys = keys;
	list->stacks = s->holder_stacks;
	if (!holders || !stacks || !keys)
		return -ENOMEM;
	for (i = 0; i < more; i++) {
		const struct segment_holder *h = &sums->holders[i];

		list->keys[s->holder_count] =
		    (struct ms_stack_key){.id = id, .layer = MS_LAYER_TENSOR, .hash = h->stack};
		s->holders[s->holder_count] =
		    (struct segment_hold){s->allocator_count - 1, h->holds_bytes};
		s->holder_stacks[s->holder_count++] = (struct stack){
		    .process = process,
		    .layer = LAYER_TENSOR,
		    .device = s->allocators[s->allocator_count - 1].device,
		    .live = h->blocks,
		    .live_bytes = h->bytes,
		};
	}
	return 0;
}

static int add_allocator(struct collect *c, struct snapshot *s, size_t process, uint32_t id,
			 const struct tensor_allocator *of, struct stack_list *list)
{
	struct allocator *more = reallocarray(s->allocators, s->allocator_count + 1, sizeof(*more));
	struct segment_sums sums;
	char device[32];
	int err;

	if (!more)
		return -ENOMEM;
	s->allocators = more;
	more += s->allocator_count;
	tensor_device_text(of->device, device, sizeof(device));
	*more = (struct allocator){
	    .process = process,
	    .device = intern_text(c->tensors.memory, device, strlen(device)),
	    .now = moment_of(&of->now),
	    .at_peak = moment_of(&of->at_peak),
	    .reserved_peak_bytes = of->reserved_peak,
	};
	s->allocator_count++;
	if (!more->device)
		return -ENOMEM;
	err = look(c, id, of->device, &sums);
	if (err)
		return err;
	set_segments(more, of, &sums);
	if (more->segments_known)
		err = add_holders(s, process, id, &sums, list);
	free(sums.holders);
	return err;
}

static int add_allocators(struct collect *c, struct snapshot *s, size_t process, uint32_t id,
			  struct stack_list *list)
{
	struct tensor_allocator *all;
	size_t i, count;
	int err = tensors_allocators(c->tensors.items[id], &all, &count);

	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = add_allocator(c, s, process, id, &all[i], list);
	free(all);
	return err;
}

int allocators_list(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		    struct stack_list *lists, size_t *list_count)
{
	struct stack_list *list = &lists[*list_count];
	uint32_t id;
	int err = 0;

	*list = (struct stack_list){.count = &s->holder_count, .apart = true};
	++*list_count;
	for (id = 0; id < c->tensors.room && id <= numbers->max_id && !err; id++)
		if (c->tensors.items[id] && numbers->by_image_id[id] != SIZE_MAX)
			err = add_allocators(c, s, numbers->by_image_id[id], id, list);
	return err;
}
