/* SPDX-License-Identifier: GPL-2.0 */
/* What stands out in the memory of devices, and in what they pin of the host's. */
#include <inttypes.h>
#include <string.h>

#include "analyse/insights_inside.h"
#include "analyse/outside.h"

/* Less than this is not worth a sentence about a device. */
#define DEVICE_BYTES (16 * MIB)
#define CACHED_BYTES (256 * MIB)
#define PINNED_BYTES (64 * MIB)

/* ---- the caching allocator -------------------------------------------------------- */

/* The allocator of this process that has most of what `bytes` tells, NULL if none has any. */
typedef uint64_t allocator_bytes_fn(const struct allocator *allocator);

static const struct allocator *most(const struct subject *x, allocator_bytes_fn *bytes)
{
	const struct allocator *found = NULL;

	for (size_t i = 0; i < x->s->allocator_count; i++) {
		const struct allocator *a = &x->s->allocators[i];

		if (a->process == x->process && a->segments_known && bytes(a) &&
		    (!found || bytes(a) > bytes(found)))
			found = a;
	}
	return found;
}

static uint64_t sparse_bytes(const struct allocator *a)
{
	return a->sparse_bytes;
}

static uint64_t cached_bytes(const struct allocator *a)
{
	return a->cached_bytes;
}

/* The stack that holds most of an allocator, and its place; SIZE_MAX: none. */
static size_t first_holder(const struct subject *x, const struct allocator *a)
{
	for (size_t i = 0; i < x->s->holder_count; i++)
		if (&x->s->allocators[x->s->holders[i].allocator] == a)
			return i;
	return SIZE_MAX;
}

bool insight_fragmented(struct subject *x)
{
	const struct allocator *a = most(x, sparse_bytes);
	char all[HUMAN_LEN], free_bytes[HUMAN_LEN], held[HUMAN_LEN], blocks[HUMAN_LEN];
	char place[PLACE_MAX];
	const struct stack *stack;
	size_t holder;

	if (!a || a->sparse_bytes < DEVICE_BYTES ||
	    insight_share(a->sparse_bytes, a->now.reserved_bytes) < 20)
		return false;
	holder = first_holder(x, a);
	if (holder == SIZE_MAX)
		return false;
	stack = &x->s->holder_stacks[holder];
	return insight_say(
	    x, a->sparse_bytes,
	    "of %s that the allocator has taken of %s, %s lie free in %" PRIu64 " segment%s that "
	    "blocks hold, none of them half full; most by %s in %s block%s that %s allocates: made "
	    "before what comes and goes they would lie together%s",
	    text_bytes(all, a->now.reserved_bytes), a->device,
	    text_bytes(free_bytes, a->sparse_bytes), a->sparse_segments,
	    a->sparse_segments == 1 ? "" : "s", text_bytes(held, stack->live_bytes),
	    text_count(blocks, stack->live), stack->live == 1 ? "" : "s",
	    insight_place(place, lines_own(stack)),
	    a->mapped ? ""
		      : ", and with PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True a segment's "
			"free pages go back");
}

bool insight_cached(struct subject *x)
{
	const struct allocator *a = most(x, cached_bytes);
	char all[HUMAN_LEN], cached[HUMAN_LEN];

	if (!a || a->cached_bytes < CACHED_BYTES ||
	    insight_share(a->cached_bytes, a->now.reserved_bytes) < 50)
		return false;
	return insight_say(
	    x, a->cached_bytes,
	    "of %s that the allocator has taken of %s, %s are segments that no block lives in: "
	    "torch.cuda.empty_cache() gives them to other processes, at the price of taking them "
	    "again",
	    text_bytes(all, a->now.reserved_bytes), a->device, text_bytes(cached, a->cached_bytes));
}

/* ---- pinned memory ------------------------------------------------------------------- */

static const struct device_totals *device_of(const struct process *p, const char *name)
{
	static const struct device_totals none;

	for (size_t i = 0; i < p->device_count; i++)
		if (!strcmp(p->devices[i].name, name))
			return &p->devices[i];
	return &none;
}

static uint64_t held_bytes(const struct stack *stack)
{
	return stack->peak_bytes > stack->live_bytes ? stack->peak_bytes : stack->live_bytes;
}

/* The stack that pinned most; and what torch's thread that does so for data loaders has. */
static const struct stack *most_pinned(const struct subject *x, uint64_t *by_loader)
{
	const struct stack *found = NULL;

	*by_loader = 0;
	for (size_t i = 0; i < x->s->stack_count; i++) {
		const struct stack *stack = &x->s->stacks[i];
		bool loader = false;

		if (stack->process != x->process || stack->layer != LAYER_GPU || !stack->device ||
		    strncmp(stack->device, "host-", 5) != 0)
			continue;
		for (size_t j = 0; j < stack->frame_count; j++)
			loader |= strstr(stack->frames[j].function, "pin_memory_loop") != NULL;
		if (loader)
			*by_loader += held_bytes(stack);
		if (!found || held_bytes(stack) > held_bytes(found))
			found = stack;
	}
	return found;
}

/*
 * Pages that a driver has made for devices to read cannot be swapped out or moved, nor can those
 * that a program registers.  These were there before, and have no bytes in the books but as
 * `shared`.
 */
bool insight_pinned(struct subject *x)
{
	const struct process *p = &x->s->processes[x->process];
	uint64_t registered = device_of(p, "host-registered")->shared_bytes, by_loader;
	uint64_t made = device_of(p, "host-pinned")->totals.peak_bytes;
	const struct stack *stack = most_pinned(x, &by_loader);
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN], place[PLACE_MAX];

	if (!stack || made + registered < PINNED_BYTES)
		return false;
	if (by_loader >= PINNED_BYTES && insight_share(by_loader, made) >= 50)
		return insight_say(
		    x, by_loader,
		    "%s of host memory were pinned by the data loader's pin_memory thread, %.0f %% "
		    "of "
		    "what was pinned at most: it keeps a block for each batch on its way, of a "
		    "size "
		    "that is a power of two; a smaller prefetch_factor or fewer workers need less",
		    text_bytes(a, by_loader), insight_share(by_loader, made));
	if (insight_share(made + registered, x->s->ram_bytes) < 25)
		return false;
	return insight_say(
	    x, made + registered,
	    "%s of host memory were pinned at most and %s are registered, %.0f %% of the machine's "
	    "%s: nothing of it can be swapped out, or be anybody else's page cache; most is from "
	    "%s",
	    text_bytes(a, made), text_bytes(b, registered),
	    insight_share(made + registered, x->s->ram_bytes), text_bytes(c, x->s->ram_bytes),
	    insight_place(place, lines_own(stack)));
}

bool insight_outside(struct subject *x)
{
	char bytes[HUMAN_LEN], all[HUMAN_LEN], calls[HUMAN_LEN], unseen[HUMAN_LEN],
	    place[PLACE_MAX];
	struct outside o;
	uint64_t outside;

	if (!outside_find(x->s, x->process, &o))
		return false;
	outside = o.others_bytes + o.unseen_bytes;
	if (outside < DEVICE_BYTES || insight_share(outside, o.reserved_bytes + outside) < 10)
		return false;
	return insight_say(
	    x, outside,
	    "of %s on %s, %s (%.0f %%) are outside of %s's allocator, where nothing that is "
	    "done to tensors reaches them: %s by calls of others%s%s, %s that no call "
	    "shows%s",
	    text_bytes(all, o.reserved_bytes + outside), o.device, text_bytes(bytes, outside),
	    insight_share(outside, o.reserved_bytes + outside), o.framework,
	    text_bytes(calls, o.others_bytes), o.stack ? ", most by " : "",
	    o.stack ? insight_place(place, lines_own(o.stack)) : "",
	    o.driver_known ? text_bytes(unseen, o.unseen_bytes) : "and an unknown number",
	    o.driver_known ? ": the context, kernels' code, workspaces of libraries" : "");
}
