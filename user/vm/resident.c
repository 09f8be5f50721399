/* SPDX-License-Identifier: GPL-2.0 */
/* Resident pages by stack: one walk up through ranges, extents, touches and blocks. */
#include "vm/resident.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vm/account.h"
#include "vm/bystack.h"

/* do_fault_around() maps what is at hand of this much of a file; fault_around_bytes may change it.
 */
#define FAULT_AROUND ((uint64_t)64 << 10)

struct resident {
	struct resident_input in;
	uint64_t page, huge;
	/* Where the walk is: ranges come in rising order. */
	struct extents_walk walk;
	size_t touch;           /* the first that is not below the last address */
	size_t block;           /* the first that ends above it */
	struct by_stack stacks; /* of struct resident_stack */
	struct by_stack blocks; /* of struct resident_blocks */
	uint64_t last;          /* the stack that was given bytes last, its place + 1 */
	uint64_t bytes;
};

/* Pages of one extent, or between extents. */
struct piece {
	uint64_t start, end;
	uint32_t flags;              /* PAGEMAP_* */
	const struct extent *extent; /* NULL: we know of none */
};

/* ---- giving bytes --------------------------------------------------------- */

static struct resident_stack *open_stack(struct resident *r, uint64_t stack)
{
	struct resident_stack *all = r->stacks.items;

	/* Pages side by side are mostly one stack's. */
	if (r->last && all[r->last - 1].stack == stack)
		return &all[r->last - 1];
	all = by_stack_open(&r->stacks, stack);
	if (all)
		r->last = (uint64_t)(all - (struct resident_stack *)r->stacks.items) + 1;
	return all;
}

static int give_touched(struct resident *r, uint64_t stack, uint64_t bytes)
{
	struct resident_stack *s = open_stack(r, stack);

	if (!s)
		return -ENOMEM;
	s->touched_bytes += bytes;
	r->bytes += bytes;
	return 0;
}

static int give_unseen(struct resident *r, const struct extent *extent, uint64_t bytes)
{
	struct resident_stack *s = open_stack(r, extent ? extent->stack : VM_STACK_UNSEEN);

	if (!s)
		return -ENOMEM;
	s->unseen_bytes += bytes;
	r->bytes += bytes;
	return 0;
}

/* ---- pages without a touch of their own --------------------------------------- */

/* What was populated before the extent was mapped was something else; a time of 0 is not known. */
static bool is_populated(const struct extent *populated, const struct piece *p)
{
	return !p->extent || !p->extent->serial || !populated->born_ns ||
	       populated->born_ns >= p->extent->born_ns;
}

static int give_untouched(struct resident *r, const struct piece *p)
{
	const struct extent *x = r->in.populated ? extents_from(r->in.populated, p->start) : NULL;
	uint64_t at = p->start;
	int err = 0;

	for (; at < p->end && !err && x && x->start < p->end; x = extents_next(x)) {
		uint64_t end = x->end < p->end ? x->end : p->end;

		if (!is_populated(x, p))
			continue;
		if (at < x->start) {
			err = give_unseen(r, p->extent, x->start - at);
			at = x->start;
		}
		if (!err)
			err = give_touched(r, x->stack, end - at);
		at = end;
	}
	return err || at >= p->end ? err : give_unseen(r, p->extent, p->end - at);
}

/*
 * Pages between two touches, in windows that one fault can fill: they are the
 * touch's before them, or after them, if it lies in the same window and extent.
 */
static int give_around(struct resident *r, const struct piece *p, uint64_t window)
{
	const struct touch *touches = r->in.touches;
	const struct touch *before = r->touch ? &touches[r->touch - 1] : NULL;
	const struct touch *after = r->touch < r->in.touch_count ? &touches[r->touch] : NULL;
	uint64_t at, end;
	int err = 0;

	for (at = p->start; at < p->end && !err; at = end) {
		struct piece part = *p;
		uint64_t low = at & ~(window - 1), high = low + window;

		if (low < p->extent->start)
			low = p->extent->start;
		if (high > p->extent->end)
			high = p->extent->end;
		end = high < p->end ? high : p->end;
		part.start = at;
		part.end = end;
		if (before && before->page >= low)
			err = give_touched(r, before->stack, end - at);
		else if (after && after->page < high)
			err = give_touched(r, after->stack, end - at);
		else
			err = give_untouched(r, &part);
	}
	return err;
}

/* r->touch is the first touch behind the run. */
static int give_run(struct resident *r, const struct piece *run)
{
	if (!run->extent)
		return give_untouched(r, run);
	if (run->flags & PAGEMAP_HUGE && r->huge)
		return give_around(r, run, r->huge);
	if (run->flags & PAGEMAP_FILE)
		return give_around(r, run, FAULT_AROUND);
	return give_untouched(r, run);
}

/* ---- ranges ------------------------------------------------------------------ */

static int add_piece(struct resident *r, const struct piece *p)
{
	const struct touch *touches = r->in.touches;
	const size_t count = r->in.touch_count;
	uint64_t at = p->start;
	int err = 0;

	while (r->touch < count && touches[r->touch].page < at)
		r->touch++;
	while (at < p->end && !err) {
		struct piece run = *p;

		if (r->touch < count && touches[r->touch].page == at) {
			err = give_touched(r, touches[r->touch++].stack, r->page);
			at += r->page;
			continue;
		}
		run.start = at;
		if (r->touch < count && touches[r->touch].page < p->end)
			run.end = touches[r->touch].page;
		err = give_run(r, &run);
		at = run.end;
	}
	return err;
}

static int add_pages(struct resident *r, const struct pagemap_range *range)
{
	struct piece p = {.start = range->start, .flags = range->flags};
	int err = 0;

	for (; p.start < range->end && !err; p.start = p.end) {
		p.end = extents_walk(&r->walk, p.start, range->end, &p.extent);
		err = add_piece(r, &p);
	}
	return err;
}

/* Large blocks that lie in the range were touched there. */
static int add_blocks(struct resident *r, const struct pagemap_range *range)
{
	const struct block *blocks = r->in.blocks;
	size_t i;

	while (r->block < r->in.block_count &&
	       blocks[r->block].address + blocks[r->block].size <= range->start)
		r->block++;
	for (i = r->block; i < r->in.block_count && blocks[i].address < range->end; i++) {
		uint64_t start = blocks[i].address, end = start + blocks[i].size;
		struct resident_blocks *b;

		if (blocks[i].size < RESIDENT_BLOCK_MIN)
			continue;
		b = by_stack_open(&r->blocks, blocks[i].stack);
		if (!b)
			return -ENOMEM;
		b->touched_bytes += (end < range->end ? end : range->end) -
				    (start > range->start ? start : range->start);
	}
	return 0;
}

int resident_add(void *resident, const struct pagemap_range *range)
{
	struct resident *r = resident;
	int err = add_blocks(r, range);

	if (err || !(range->flags & PAGEMAP_PRESENT) || range->area->flags & AREA_HUGETLB)
		return err;
	return add_pages(r, range);
}

/* ---- the whole ----------------------------------------------------------------- */

static int count_blocks(struct resident *r)
{
	size_t i;

	for (i = 0; i < r->in.block_count; i++) {
		struct resident_blocks *b;

		if (r->in.blocks[i].size < RESIDENT_BLOCK_MIN)
			continue;
		b = by_stack_open(&r->blocks, r->in.blocks[i].stack);
		if (!b)
			return -ENOMEM;
		b->blocks++;
		b->bytes += r->in.blocks[i].size;
	}
	return 0;
}

struct resident *resident_new(const struct resident_input *input)
{
	struct resident *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->in = *input;
	r->walk.extents = input->extents;
	r->page = (uint64_t)sysconf(_SC_PAGESIZE);
	r->huge = pagemap_huge_size();
	r->stacks.size = sizeof(struct resident_stack);
	r->blocks.size = sizeof(struct resident_blocks);
	if (count_blocks(r)) {
		resident_free(r);
		return NULL;
	}
	return r;
}

void resident_free(struct resident *r)
{
	if (!r)
		return;
	by_stack_free(&r->stacks);
	by_stack_free(&r->blocks);
	free(r);
}

size_t resident_stacks(const struct resident *r, const struct resident_stack **out)
{
	*out = r->stacks.items;
	return r->stacks.count;
}

size_t resident_blocks(const struct resident *r, const struct resident_blocks **out)
{
	*out = r->blocks.items;
	return r->blocks.count;
}

uint64_t resident_bytes(const struct resident *r)
{
	return r->bytes;
}
