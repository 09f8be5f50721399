/* SPDX-License-Identifier: GPL-2.0 */
/* Resident memory by kind. */
#include "vm/breakdown.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Where an area and an extent overlap: all of it is of one kind, but for live blocks in it. */
struct place {
	const struct area *area;
	const struct extent *extent; /* NULL: not known */
	bool has_blocks, has_stack_pointer;
};

struct breakdown {
	struct breakdown_input in;
	uint64_t *stack_pointers; /* sorted */
	struct extents_walk walk;
	size_t block;             /* for blocks_within() */
	struct place place;       /* the last one */
	enum breakdown_kind kind; /* of it */
	uint64_t bytes[BREAKDOWN_KIND_NR];
};

/* ---- kinds ------------------------------------------------------------------ */

static bool is_hugetlb(const struct place *p)
{
	return p->area->flags & AREA_HUGETLB;
}

static bool is_kernel(const struct place *p)
{
	return p->area->flags & AREA_KERNEL;
}

/* What an allocator mapped, the break, and private memory that has live blocks. */
static bool is_retained(const struct place *p)
{
	if (p->area->flags & AREA_STACK)
		return false;
	if (p->extent && p->extent->flags & (EXTENT_ALLOCATOR | EXTENT_BREAK))
		return true;
	return p->area->flags & AREA_BREAK || (p->has_blocks && !(p->area->flags & AREA_FILE));
}

/* Not one that a program keeps in a heap block: that comes before. */
static bool is_stack(const struct place *p)
{
	return p->area->flags & AREA_STACK ||
	       (p->has_stack_pointer && !(p->area->flags & AREA_FILE));
}

static bool is_code(const struct place *p)
{
	return p->area->flags & AREA_FILE && p->area->flags & AREA_EXECUTE;
}

static bool is_shared(const struct place *p)
{
	return p->area->flags & AREA_SHMEM;
}

static bool is_file(const struct place *p)
{
	return p->area->flags & AREA_FILE;
}

static bool is_any(const struct place *p)
{
	return p->area != NULL;
}

/* The first test that holds says the kind.  Live blocks need none: they are, wherever they lie. */
static const struct {
	enum breakdown_kind kind;
	bool (*test)(const struct place *);
} rows[] = {
    {.kind = BREAKDOWN_HUGETLB, .test = is_hugetlb},
    {.kind = BREAKDOWN_KERNEL, .test = is_kernel},
    {.kind = BREAKDOWN_RETAINED, .test = is_retained},
    {.kind = BREAKDOWN_STACKS, .test = is_stack},
    {.kind = BREAKDOWN_CODE, .test = is_code},
    {.kind = BREAKDOWN_SHARED, .test = is_shared},
    {.kind = BREAKDOWN_FILE, .test = is_file},
    {.kind = BREAKDOWN_ANONYMOUS, .test = is_any},
};

const char *const breakdown_names[BREAKDOWN_KIND_NR] = {
#define X(id, name, text) name,
    BREAKDOWN_KINDS(X)
#undef X
};

const char *const breakdown_texts[BREAKDOWN_KIND_NR] = {
#define X(id, name, text) text,
    BREAKDOWN_KINDS(X)
#undef X
};

static enum breakdown_kind kind_of(const struct place *place)
{
	size_t i = 0;

	while (!rows[i].test(place))
		i++;
	return rows[i].kind;
}

/* ---- places ------------------------------------------------------------------- */

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool has_stack_pointer(const struct breakdown *b, uint64_t start, uint64_t end)
{
	size_t low = 0, high = b->in.stack_pointer_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->stack_pointers[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->in.stack_pointer_count && b->stack_pointers[low] < end;
}

static bool has_blocks(const struct breakdown *b, uint64_t start, uint64_t end)
{
	size_t i = blocks_from(b->in.blocks, b->in.block_count, start);

	/* One that was shortened to nothing lies in another. */
	while (i < b->in.block_count && !b->in.blocks[i].size)
		i++;
	return i < b->in.block_count && b->in.blocks[i].address < end;
}

/* Ranges come in rising order, so a place is looked at once. */
static void enter(struct breakdown *b, const struct area *area, const struct extent *extent)
{
	uint64_t start = area->start, end = area->end;

	if (b->place.area == area && b->place.extent == extent)
		return;
	if (extent && extent->start > start)
		start = extent->start;
	if (extent && extent->end < end)
		end = extent->end;
	b->place = (struct place){area, extent, has_blocks(b, start, end),
				  has_stack_pointer(b, start, end)};
	b->kind = kind_of(&b->place);
}

static void add(struct breakdown *b, uint64_t start, uint64_t end)
{
	uint64_t blocks = 0;

	if (b->kind != BREAKDOWN_HUGETLB)
		blocks = blocks_within(b->in.blocks, b->in.block_count, &b->block, start, end);
	b->bytes[BREAKDOWN_HEAP] += blocks;
	b->bytes[b->kind] += end - start - blocks;
}

int breakdown_add(void *breakdown, const struct pagemap_range *range)
{
	struct breakdown *b = breakdown;
	uint64_t at = range->start, end;

	if (!(range->flags & PAGEMAP_PRESENT))
		return 0;
	for (; at < range->end; at = end) {
		const struct extent *extent = NULL;

		end = range->end;
		if (b->walk.extents)
			end = extents_walk(&b->walk, at, end, &extent);
		enter(b, range->area, extent);
		add(b, at, end);
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------ */

struct breakdown *breakdown_new(const struct breakdown_input *input)
{
	struct breakdown *b = calloc(1, sizeof(*b));
	size_t size = input->stack_pointer_count * sizeof(*b->stack_pointers);

	if (!b)
		return NULL;
	b->in = *input;
	b->walk.extents = input->extents;
	b->stack_pointers = malloc(size + 1);
	if (!b->stack_pointers) {
		free(b);
		return NULL;
	}
	if (size) {
		memcpy(b->stack_pointers, input->stack_pointers, size);
		qsort(b->stack_pointers, input->stack_pointer_count, sizeof(*b->stack_pointers),
		      compare_addresses);
	}
	return b;
}

void breakdown_free(struct breakdown *b)
{
	if (!b)
		return;
	free(b->stack_pointers);
	free(b);
}

uint64_t breakdown_bytes(const struct breakdown *b, enum breakdown_kind kind)
{
	return b->bytes[kind];
}

int64_t breakdown_unknown(const struct breakdown *b, uint64_t rss_bytes)
{
	int64_t left = (int64_t)rss_bytes;
	int kind;

	for (kind = 0; kind < BREAKDOWN_KIND_NR; kind++)
		if (kind != BREAKDOWN_HUGETLB)
			left -= (int64_t)b->bytes[kind];
	return left;
}
