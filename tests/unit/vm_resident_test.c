/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds resident pages: against a model that asks, for each page by itself,
 * what resident.h promises; blocks against one that paints them in small units.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm/account.h"
#include "vm/radix.h"
#include "vm/resident.h"

#define PAGES 1600
#define STACKS 20
#define BASE 0x7f0000000000ULL
#define AROUND ((64u << 10) / page_size) /* pages of a file that one fault may bring */

static uint64_t page_size, huge_pages;

struct model {
	bool resident[PAGES];
	uint32_t flags[PAGES];
	unsigned extent[PAGES];                    /* number of the extent, 0: none */
	unsigned owner[PAGES];                     /* the stack that mapped it */
	unsigned touched[PAGES], populated[PAGES]; /* stacks, 0: nobody */
	uint64_t touched_bytes[STACKS], unseen_bytes[STACKS];
};

static unsigned below(unsigned limit)
{
	return (unsigned)random() % limit;
}

static uint64_t address(unsigned page)
{
	return BASE + page * page_size;
}

static unsigned some_stack(void)
{
	return 10 + below(STACKS - 10);
}

/* ---- the model's answer for one page ------------------------------------------ */

/* The nearest touch before the page, else after it, within its window and extent. */
static unsigned nearest(const struct model *m, unsigned page, unsigned window)
{
	unsigned low = page / window * window, high = low + window, i;

	if (!m->extent[page])
		return 0;
	if (high > PAGES)
		high = PAGES;
	for (i = page; i > low && m->extent[i - 1] == m->extent[page]; i--)
		if (m->touched[i - 1])
			return m->touched[i - 1];
	for (i = page + 1; i < high && m->extent[i] == m->extent[page]; i++)
		if (m->touched[i])
			return m->touched[i];
	return 0;
}

static void model_answer(struct model *m)
{
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		unsigned by = m->touched[i];

		if (!m->resident[i] || !(m->flags[i] & PAGEMAP_PRESENT))
			continue;
		if (!by && m->flags[i] & PAGEMAP_HUGE && huge_pages)
			by = nearest(m, i, huge_pages);
		else if (!by && m->flags[i] & PAGEMAP_FILE)
			by = nearest(m, i, AROUND);
		if (!by)
			by = m->populated[i];
		if (by)
			m->touched_bytes[by] += page_size;
		else
			m->unseen_bytes[m->extent[i] ? m->owner[i] : VM_STACK_UNSEEN] += page_size;
	}
}

/* ---- a world at random ----------------------------------------------------------- */

static void nothing_there(void *context, const struct extent *piece, int left)
{
	(void)context;
	(void)piece;
	(void)left;
	fail();
}

static struct extents *make_extents(struct model *m)
{
	struct extents *extents = extents_new();
	unsigned start, end, number = 0;

	assert_non_null(extents);
	for (start = 0; start < PAGES; start = end) {
		struct extent x = {address(start), 0, some_stack(), 100, ++number, 0};

		end = start + 1 + below(below(3) ? 20 : 600);
		if (end > PAGES)
			end = PAGES;
		x.end = address(end);
		if (!below(6))
			continue;
		assert_int_equal(extents_map(extents, &x, nothing_there, NULL), 0);
		for (; start < end; start++) {
			m->extent[start] = number;
			m->owner[start] = x.stack;
		}
	}
	return extents;
}

/* Some of it before the extent was mapped, and so of something else. */
static struct extents *make_populated(struct model *m)
{
	struct extents *populated = extents_new();
	unsigned i, n = below(12);

	assert_non_null(populated);
	while (n--) {
		unsigned start = below(PAGES), end = start + 1 + below(100);
		static const uint64_t times[] = {100, 101, 99, 0};
		struct extent x = {address(start), 0, some_stack(), times[below(4)], 1, 0};

		if (end > PAGES)
			end = PAGES;
		x.end = address(end);
		assert_int_equal(extents_map(populated, &x, NULL, NULL), 0);
		for (i = start; i < end; i++)
			m->populated[i] = x.born_ns != 99 || !m->extent[i] ? x.stack : 0;
	}
	return populated;
}

static size_t make_touches(struct model *m, struct touch *touches)
{
	unsigned i, one_in = below(3) ? 1 + below(60) : 1;
	size_t n = 0;

	for (i = 0; i < PAGES; i++) {
		if (below(one_in))
			continue;
		m->touched[i] = some_stack();
		/* Any address in it will do. */
		touches[n++] = (struct touch){address(i) + below(page_size), m->touched[i]};
	}
	for (i = 0; i < n; i++) {
		size_t other = below(n);
		struct touch swap = touches[i];

		touches[i] = touches[other];
		touches[other] = swap;
	}
	/* Of several of one page the last counts. */
	if (n) {
		i = (touches[0].page - BASE) / page_size;
		m->touched[i] = some_stack();
		touches[n++] = (struct touch){address(i), m->touched[i]};
	}
	return touches_sort(touches, n);
}

static void make_resident(struct model *m)
{
	static const uint32_t kinds[] = {
	    PAGEMAP_PRESENT, PAGEMAP_PRESENT | PAGEMAP_FILE, PAGEMAP_PRESENT | PAGEMAP_HUGE,
	    PAGEMAP_PRESENT | PAGEMAP_HUGE | PAGEMAP_FILE, PAGEMAP_SWAPPED};
	unsigned start, end, i;

	for (start = 0; start < PAGES; start = end) {
		uint32_t flags = kinds[below(5)];
		bool resident = below(4);

		end = start + 1 + below(below(2) ? 10 : 700);
		for (i = start; i < end && i < PAGES; i++) {
			m->resident[i] = resident;
			m->flags[i] = flags;
		}
	}
}

/* Ranges as a walk gives them, cut here and there. */
static void add_ranges(const struct model *m, struct resident *r)
{
	const struct area area = {.start = address(0), .end = address(PAGES)};
	unsigned start, end;

	for (start = 0; start < PAGES; start = end) {
		struct pagemap_range range = {.area = &area, .flags = m->flags[start]};

		for (end = start + 1; end < PAGES && below(300); end++)
			if (m->resident[end] != m->resident[start] ||
			    m->flags[end] != m->flags[start])
				break;
		range.start = address(start);
		range.end = address(end);
		if (m->resident[start])
			assert_int_equal(resident_add(r, &range), 0);
	}
}

static void check_stacks(const struct model *m, const struct resident *r)
{
	const struct resident_stack *stacks;
	size_t i, n = resident_stacks(r, &stacks);
	uint64_t touched[STACKS] = {0}, unseen[STACKS] = {0}, all = 0;

	for (i = 0; i < n; i++) {
		assert_true(stacks[i].stack < STACKS);
		touched[stacks[i].stack] += stacks[i].touched_bytes;
		unseen[stacks[i].stack] += stacks[i].unseen_bytes;
	}
	for (i = 0; i < STACKS; i++) {
		assert_int_equal(touched[i], m->touched_bytes[i]);
		assert_int_equal(unseen[i], m->unseen_bytes[i]);
		all += touched[i] + unseen[i];
	}
	assert_int_equal(resident_bytes(r), all);
}

static void test_against_model(void **state)
{
	static struct touch touches[PAGES + 1];
	static struct model m;
	int round;

	(void)state;
	srandom(20261125);
	for (round = 0; round < 500; round++) {
		struct extents *extents, *populated;
		struct resident_input input;
		struct resident *r;

		memset(&m, 0, sizeof(m));
		extents = make_extents(&m);
		populated = make_populated(&m);
		make_resident(&m);
		input = (struct resident_input){.extents = extents,
						.populated = below(4) ? populated : NULL,
						.touches = touches,
						.touch_count = make_touches(&m, touches)};
		if (!input.populated)
			memset(m.populated, 0, sizeof(m.populated));
		model_answer(&m);
		r = resident_new(&input);
		assert_non_null(r);
		add_ranges(&m, r);
		check_stacks(&m, r);
		resident_free(r);
		extents_free(extents);
		extents_free(populated);
	}
}

/* ---- blocks ---------------------------------------------------------------------- */

#define UNIT 1024
#define UNITS 4096
#define BLOCKS 60

struct painted {
	unsigned block[UNITS]; /* number + 1 */
	bool resident[UNITS];
	uint64_t size[BLOCKS]; /* what is left of a block */
	uint64_t touched[BLOCKS];
};

static size_t make_blocks(struct block *blocks)
{
	size_t i, n = below(BLOCKS + 1);

	for (i = 0; i < n; i++) {
		unsigned start = below(UNITS), size = below(below(2) ? 8 : 400);

		if (start + size > UNITS)
			size = UNITS - start;
		blocks[i] = (struct block){BASE + (uint64_t)start * UNIT, (uint64_t)size * UNIT,
					   some_stack()};
	}
	return n;
}

/* From the lowest and longest on: what is painted stays. */
static void paint(struct painted *p, const struct block *before, size_t n)
{
	bool done[BLOCKS] = {false};
	size_t round, i, unit;

	for (round = 0; round < n; round++) {
		size_t best = n;

		for (i = 0; i < n; i++)
			if (!done[i] && (best == n || before[i].address < before[best].address ||
					 (before[i].address == before[best].address &&
					  before[i].size > before[best].size)))
				best = i;
		done[best] = true;
		for (unit = (before[best].address - BASE) / UNIT;
		     BASE + unit * UNIT < before[best].address + before[best].size; unit++)
			if (!p->block[unit]) {
				p->block[unit] = best + 1;
				p->size[best] += UNIT;
			}
	}
}

static void check_blocks(const struct painted *p, const struct block *before, size_t n,
			 const struct resident *r)
{
	uint64_t count[STACKS] = {0}, bytes[STACKS] = {0}, touched[STACKS] = {0};
	const struct resident_blocks *found;
	size_t i, stacks = resident_blocks(r, &found);

	for (i = 0; i < n; i++) {
		if (p->size[i] < RESIDENT_BLOCK_MIN)
			continue;
		count[before[i].stack]++;
		bytes[before[i].stack] += p->size[i];
		touched[before[i].stack] += p->touched[i];
	}
	for (i = 0; i < stacks; i++) {
		unsigned stack = found[i].stack;

		assert_int_equal(found[i].blocks, count[stack]);
		assert_int_equal(found[i].bytes, bytes[stack]);
		assert_int_equal(found[i].touched_bytes, touched[stack]);
		count[stack] = 0;
	}
	for (i = 0; i < STACKS; i++)
		assert_int_equal(count[i], 0);
}

static void test_blocks(void **state)
{
	const struct area area = {.start = BASE, .end = BASE + UNITS * UNIT};
	struct extents *extents = extents_new();
	int round;

	(void)state;
	assert_non_null(extents);
	srandom(3);
	for (round = 0; round < 300; round++) {
		struct block before[BLOCKS] = {0}, blocks[BLOCKS];
		size_t n = make_blocks(before), at = 0, i;
		struct painted p = {0};
		struct resident_input input = {
		    .extents = extents, .blocks = blocks, .block_count = n};
		unsigned start, end;
		struct resident *r;

		memcpy(blocks, before, sizeof(before));
		blocks_sort(blocks, n);
		paint(&p, before, n);
		r = resident_new(&input);
		assert_non_null(r);
		for (start = 0; start < UNITS; start = end) {
			struct pagemap_range range = {BASE + (uint64_t)start * UNIT, 0,
						      below(2) ? PAGEMAP_PRESENT : PAGEMAP_SWAPPED,
						      &area};
			uint64_t within = 0;

			end = start + 1 + below(300);
			if (end > UNITS)
				end = UNITS;
			range.end = BASE + (uint64_t)end * UNIT;
			if (!below(3))
				continue;
			assert_int_equal(resident_add(r, &range), 0);
			for (i = start; i < end; i++) {
				within += p.block[i] ? UNIT : 0;
				if (p.block[i])
					p.touched[p.block[i] - 1] += UNIT;
			}
			assert_int_equal(blocks_within(blocks, n, &at, range.start, range.end),
					 within);
		}
		check_blocks(&p, before, n, r);
		resident_free(r);
	}
	extents_free(extents);
}

static void test_odd_blocks(void **state)
{
	struct block blocks[] = {
	    {UINT64_MAX - 10, 100, 1}, {0, UINT64_MAX, 2}, {5, 0, 3}, {0, 0, 4}, {0, 10, 5}};
	size_t i, at = 0;

	(void)state;
	blocks_sort(blocks, 5);
	for (i = 1; i < 5; i++)
		assert_true(blocks[i - 1].address + blocks[i - 1].size <= blocks[i].address);
	assert_int_equal(blocks_within(blocks, 5, &at, 0, UINT64_MAX), UINT64_MAX);
	blocks_sort(NULL, 0);
	assert_int_equal(blocks_from(NULL, 0, 1), 0);
}

/* Keys that differ in any bits, many equal ones, of any number. */
static void test_sort(void **state)
{
	struct item {
		uint64_t key;
		unsigned order;
	} items[500];
	int round;

	(void)state;
	srandom(5);
	for (round = 0; round < 2000; round++) {
		size_t i, n = below(round % 2 ? 6 : 500);
		uint64_t mask =
		    ((uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ random()) >> below(60);

		for (i = 0; i < n; i++)
			items[i] = (struct item){
			    ((uint64_t)random() << 33 ^ (uint64_t)random() << 11) & mask, i};
		radix_sort(items, n, sizeof(items[0]));
		for (i = 1; i < n; i++)
			assert_true(items[i - 1].key < items[i].key ||
				    (items[i - 1].key == items[i].key &&
				     items[i - 1].order < items[i].order));
	}
}

/* Pages of hugetlbfs are in nobody's RSS; blocks in them were touched all the same. */
static void test_hugetlb(void **state)
{
	const struct area area = {.start = BASE, .end = BASE + (1 << 20), .flags = AREA_HUGETLB};
	const struct pagemap_range range = {BASE, BASE + (1 << 20), PAGEMAP_PRESENT | PAGEMAP_HUGE,
					    &area};
	const struct block block = {BASE + 64, 200 << 10, 11};
	struct extents *extents = extents_new();
	struct resident_input input = {.extents = extents, .blocks = &block, .block_count = 1};
	const struct resident_blocks *blocks;
	struct resident *r = resident_new(&input);

	(void)state;
	assert_non_null(r);
	assert_int_equal(resident_add(r, &range), 0);
	assert_int_equal(resident_bytes(r), 0);
	assert_int_equal(resident_blocks(r, &blocks), 1);
	assert_int_equal(blocks->touched_bytes, 200 << 10);
	resident_free(r);
	extents_free(extents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_model), cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_odd_blocks),    cmocka_unit_test(test_hugetlb),
	    cmocka_unit_test(test_sort),
	};

	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	huge_pages = pagemap_huge_size() / page_size;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
