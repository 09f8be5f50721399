/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapped memory against a model that keeps an owner for each page: after every
 * step of random sequences the extents, the numbers by stack and in all, the peak
 * and each stack's share of it must be the model's.
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

#define PAGES 48
#define STACKS 12 /* 1..6 are ours, the others a program's */
#define FIRST_TRUE 7
#define THREADS 4
#define BASE 0x7f0000000000ULL
#define BREAK_PAGES 12 /* the first pages are the heap's */

static uint64_t page_size;

struct page {
	unsigned birth; /* which mapping it belongs to, 0: none */
	unsigned stack, flags;
	uint64_t serial;
};

struct numbers {
	uint64_t allocs, alloc_bytes, frees, freed_bytes;
	int64_t at_peak;
};

struct model {
	struct page pages[PAGES];
	struct numbers stacks[STACKS];
	int64_t peak;
	uint64_t peak_at;
	unsigned births;
	uint64_t serial;
	uint64_t failed, unknown, gone_bytes, discarded, unannounced;
	unsigned brk; /* pages of heap */
	struct {
		bool open;
		unsigned start, end;
		uint64_t newest;
	} calls[THREADS];
};

/* ---- the model ------------------------------------------------------------ */

static int64_t model_live(const struct model *m, unsigned stack)
{
	int64_t pages = 0;
	unsigned i;

	for (i = 0; i < PAGES; i++)
		pages += m->pages[i].birth && m->pages[i].stack == stack;
	return pages * (int64_t)page_size;
}

/* Whatever changed: has there ever been as much? */
static void model_changed(struct model *m, uint64_t now)
{
	int64_t total = 0;
	unsigned i;

	for (i = 0; i < STACKS; i++)
		total += model_live(m, i);
	if (total <= m->peak)
		return;
	m->peak = total;
	m->peak_at = now;
	for (i = 0; i < STACKS; i++)
		m->stacks[i].at_peak = model_live(m, i);
}

/* Takes out what is not newer than `newest`; returns how many pages that were. */
static unsigned model_take(struct model *m, unsigned start, unsigned end, uint64_t newest)
{
	unsigned i, first, last, count = 0;

	for (first = 0; first < PAGES; first = last) {
		struct numbers *n = &m->stacks[m->pages[first].stack];
		unsigned from, to;

		for (last = first + 1; last < PAGES; last++)
			if (m->pages[last].birth != m->pages[first].birth)
				break;
		from = first > start ? first : start;
		to = last < end ? last : end;
		if (!m->pages[first].birth || m->pages[first].serial > newest || from >= to)
			continue;
		n->freed_bytes += (to - from) * page_size;
		n->frees += from == first && to == last;
		n->allocs += from > first && to < last;
		for (i = to; from > first && i < last; i++)
			m->pages[i].birth = m->births + 1; /* the part behind a hole */
		m->births += from > first && to < last;
		for (i = from; i < to; i++)
			m->pages[i] = (struct page){0};
		count += to - from;
	}
	return count;
}

static void model_map(struct model *m, unsigned start, unsigned end, unsigned stack, unsigned flags,
		      uint64_t serial)
{
	unsigned i;

	model_take(m, start, end, UINT64_MAX);
	if (start >= end)
		return;
	m->births++;
	for (i = start; i < end; i++)
		m->pages[i] = (struct page){m->births, stack, flags, serial};
	m->stacks[stack].allocs++;
	m->stacks[stack].alloc_bytes += (end - start) * page_size;
}

/* ---- comparing -------------------------------------------------------------- */

static uint64_t address(unsigned page)
{
	return BASE + page * page_size;
}

static void check_extents(const struct model *m, const struct vm_account *a)
{
	const struct extent *x = extents_from(vm_account_extents(a), 0);
	unsigned first, last, pages = 0, count = 0;

	for (first = 0; first < PAGES; first = last) {
		const struct page *page = &m->pages[first];

		for (last = first + 1; last < PAGES; last++)
			if (m->pages[last].birth != page->birth)
				break;
		if (!page->birth)
			continue;
		assert_non_null(x);
		assert_int_equal(x->start, address(first));
		assert_int_equal(x->end, address(last));
		assert_int_equal(x->stack, page->stack);
		assert_int_equal(x->flags, page->flags);
		assert_ptr_equal(extents_from(vm_account_extents(a), address(last) - 1), x);
		x = extents_next(x);
		pages += last - first;
		count++;
	}
	assert_null(x);
	assert_int_equal(extents_count(vm_account_extents(a)), count);
	assert_int_equal(extents_bytes(vm_account_extents(a)), pages * page_size);
}

struct seen {
	const struct model *model;
	unsigned count[STACKS];
	int64_t live, peak;
	uint64_t allocs, alloc_bytes, frees, freed_bytes;
};

static void check_stack(void *context, uint64_t stack, const struct ms_stack_totals *totals,
			int64_t peak_bytes)
{
	struct seen *seen = context;
	const struct numbers *n;
	uint64_t lives = 0;
	int i;

	assert_true(stack < STACKS);
	n = &seen->model->stacks[stack];
	seen->count[stack]++;
	assert_int_equal(totals->allocs, n->allocs);
	assert_int_equal(totals->alloc_bytes, n->alloc_bytes);
	assert_int_equal(totals->frees, n->frees);
	assert_int_equal(totals->freed_bytes, n->freed_bytes);
	assert_int_equal(totals->live_bytes, model_live(seen->model, stack));
	assert_int_equal(peak_bytes, n->at_peak);
	for (i = 0; i < MS_LIFETIME_BUCKETS; i++)
		lives += totals->lifetime[i];
	assert_int_equal(lives, totals->frees);
	seen->live += totals->live_bytes;
	seen->peak += peak_bytes;
	seen->allocs += totals->allocs;
	seen->alloc_bytes += totals->alloc_bytes;
	seen->frees += totals->frees;
	seen->freed_bytes += totals->freed_bytes;
}

static void check(const struct model *m, const struct vm_account *a)
{
	struct seen seen = {.model = m};
	struct vm_totals totals;
	unsigned i;

	check_extents(m, a);
	vm_account_each_stack(a, check_stack, &seen);
	for (i = 0; i < STACKS; i++)
		assert_int_equal(seen.count[i], m->stacks[i].allocs != 0);
	vm_account_totals(a, &totals);
	assert_int_equal(totals.mapped.allocs, seen.allocs);
	assert_int_equal(totals.mapped.alloc_bytes, seen.alloc_bytes);
	assert_int_equal(totals.mapped.frees, seen.frees);
	assert_int_equal(totals.mapped.freed_bytes, seen.freed_bytes);
	assert_int_equal(totals.mapped.live_bytes, seen.live);
	assert_int_equal(seen.live, extents_bytes(vm_account_extents(a)));
	assert_int_equal(seen.allocs - seen.frees, extents_count(vm_account_extents(a)));
	assert_int_equal(totals.mapped.peak_bytes, m->peak);
	assert_int_equal(totals.mapped.peak_at_ns, m->peak_at);
	assert_int_equal(seen.peak, m->peak);
	assert_int_equal(totals.mapped.failed, m->failed);
	assert_int_equal(totals.mapped.unknown_frees, m->unknown);
	assert_int_equal(totals.gone_bytes, m->gone_bytes);
	assert_int_equal(totals.discarded_bytes, m->discarded);
	assert_int_equal(totals.unannounced, m->unannounced);
}

/* ---- steps, taken by both ----------------------------------------------------- */

struct both {
	struct model model;
	struct vm_account *account;
	uint64_t now;
};

static unsigned below(unsigned limit)
{
	return (unsigned)random() % limit;
}

/* A range beyond the heap; sometimes all, seldom empty. */
static void some_range(unsigned *start, unsigned *end)
{
	*start = BREAK_PAGES + below(PAGES - BREAK_PAGES);
	*end = *start + below(below(8) ? 9 : PAGES);
	if (*end > PAGES)
		*end = PAGES;
}

static struct vm_mapped mapped(const struct both *b, unsigned start, unsigned end)
{
	return (struct vm_mapped){address(start), address(end),
				  FIRST_TRUE + below(STACKS - FIRST_TRUE), b->now, below(4)};
}

static void step_map(struct both *b)
{
	unsigned start, end;
	struct vm_mapped m;

	some_range(&start, &end);
	m = mapped(b, start, end);
	model_map(&b->model, start, end, m.stack, m.flags, ++b->model.serial);
	/* The size of a call need not be whole pages. */
	if (start < end)
		m.end -= below(page_size);
	assert_int_equal(vm_account_map(b->account, &m), 0);
}

static void step_begin(struct both *b, unsigned tid)
{
	unsigned start, end;

	some_range(&start, &end);
	b->model.calls[tid].open = true;
	b->model.calls[tid].start = start;
	b->model.calls[tid].end = end;
	b->model.calls[tid].newest = b->model.serial;
	assert_int_equal(vm_account_begin(b->account, tid, address(start), address(end)), 0);
}

static void step_unmap_end(struct both *b, unsigned tid)
{
	struct model *m = &b->model;
	bool ok = below(4);

	if (!m->calls[tid].open)
		m->unannounced++;
	else if (ok)
		m->unknown +=
		    !model_take(m, m->calls[tid].start, m->calls[tid].end, m->calls[tid].newest);
	m->calls[tid].open = false;
	assert_int_equal(vm_account_unmap_end(b->account, tid, ok, b->now), 0);
}

/* In place, shorter, longer, overlapping, elsewhere: the new range is any. */
static void step_move_end(struct both *b, unsigned tid)
{
	struct model *m = &b->model;
	unsigned start, end, at = m->calls[tid].start, flags = 0;
	struct vm_mapped to;

	if (!below(4)) {
		m->failed++;
		m->unannounced += !m->calls[tid].open;
		m->calls[tid].open = false;
		assert_int_equal(vm_account_move_end(b->account, tid, NULL), 0);
		return;
	}
	some_range(&start, &end);
	to = mapped(b, start, end);
	if (m->calls[tid].open) {
		if (m->pages[at].birth && m->pages[at].serial <= m->calls[tid].newest)
			flags |= m->pages[at].flags;
		model_take(m, at, m->calls[tid].end, m->calls[tid].newest);
	} else {
		m->unannounced++;
	}
	model_map(m, start, end, to.stack, to.flags | flags, ++m->serial);
	m->calls[tid].open = false;
	assert_int_equal(vm_account_move_end(b->account, tid, &to), 0);
}

static void step_brk(struct both *b)
{
	struct model *m = &b->model;
	unsigned to = below(BREAK_PAGES + 1);
	struct vm_mapped moved = mapped(b, m->brk, to);

	if (to < m->brk)
		model_take(m, to, m->brk, UINT64_MAX);
	else
		model_map(m, m->brk, to, moved.stack, moved.flags | EXTENT_BREAK, ++m->serial);
	/* The break itself is any byte of its last page. */
	if (m->brk)
		moved.start -= below(page_size);
	if (to)
		moved.end -= below(page_size);
	m->brk = to;
	assert_int_equal(vm_account_brk(b->account, &moved), 0);
}

static void step_discard(struct both *b)
{
	unsigned start, end;

	some_range(&start, &end);
	b->model.discarded += (end - start) * page_size;
	vm_account_discard(b->account, address(start), address(end));
}

/* The child goes on, the parent is gone. */
static void step_fork(struct both *b)
{
	struct vm_account *child = vm_account_fork(b->account, b->now);
	struct model *m = &b->model, forked = {.brk = m->brk};
	unsigned i;

	assert_non_null(child);
	check(m, b->account); /* nothing of it has changed */
	memcpy(forked.pages, m->pages, sizeof(m->pages));
	for (i = 0; i < PAGES; i++) {
		struct page *page = &forked.pages[i];

		if (!page->birth)
			continue;
		if (!i || page->birth != m->pages[i - 1].birth) {
			forked.stacks[VM_STACK_INHERITED].allocs++;
			forked.serial++;
		}
		forked.stacks[VM_STACK_INHERITED].alloc_bytes += page_size;
		page->stack = VM_STACK_INHERITED;
		page->serial = forked.serial;
	}
	forked.births = m->births;
	vm_account_free(b->account);
	b->account = child;
	*m = forked;
}

/* ---- /proc ---------------------------------------------------------------------- */

/* What /proc could say: the model's pages, some gone and some more; neighbours joined at times. */
static void make_list(const struct model *m, struct area *items, size_t *count, bool *there)
{
	unsigned i, gone = below(3) ? 0 : 10, more = below(3) ? 0 : 10;
	static const uint32_t kinds[] = {0, AREA_KERNEL, AREA_STACK, AREA_FILE,
					 AREA_FILE | AREA_SHMEM | AREA_SHARED};

	*count = 0;
	for (i = 0; i < PAGES; i++) {
		there[i] = m->pages[i].birth ? below(100) >= gone : below(100) < more;
		if (!there[i])
			continue;
		if (*count && items[*count - 1].end == address(i) && below(3))
			items[*count - 1].end += page_size;
		else
			items[(*count)++] = (struct area){
			    .start = address(i), .end = address(i + 1), .flags = kinds[below(5)]};
	}
}

static unsigned expected_reason(const struct area *area, enum vm_stack reason)
{
	if (area->flags == AREA_KERNEL)
		return VM_STACK_KERNEL;
	return area->flags == AREA_STACK && reason == VM_STACK_UNSEEN ? VM_STACK_GROWTH : reason;
}

static unsigned expected_flags(const struct area *area)
{
	if (area->flags & AREA_SHARED)
		return EXTENT_SHARED;
	return area->flags & AREA_FILE ? EXTENT_FILE : 0;
}

static void step_reconcile(struct both *b)
{
	static const enum vm_stack reasons[] = {VM_STACK_BEFORE, VM_STACK_EXEC, VM_STACK_UNSEEN};
	enum vm_stack reason = reasons[below(3)];
	struct model *m = &b->model;
	struct area items[PAGES];
	struct areas areas = {.items = items};
	bool there[PAGES];
	unsigned i, page, first;

	make_list(m, items, &areas.count, there);
	for (page = 0; page < PAGES; page++) {
		for (first = page; page < PAGES && !there[page];)
			page++;
		m->gone_bytes += model_take(m, first, page, UINT64_MAX) * page_size;
	}
	for (i = 0; i < areas.count; i++) {
		unsigned end = (items[i].end - BASE) / page_size;

		for (page = (items[i].start - BASE) / page_size; page < end; page++) {
			for (first = page; page < end && !m->pages[page].birth;)
				page++;
			if (page > first)
				model_map(m, first, page, expected_reason(&items[i], reason),
					  expected_flags(&items[i]), 0);
		}
	}
	assert_int_equal(vm_account_reconcile(b->account, &areas, reason, b->now), 0);
}

/* ---- tests ------------------------------------------------------------------------ */

static void step(struct both *b)
{
	unsigned tid = below(THREADS);

	switch (below(20)) {
	case 0 ... 6:
		step_map(b);
		break;
	case 7 ... 10:
		step_begin(b, tid);
		break;
	case 11 ... 13:
		step_unmap_end(b, tid);
		break;
	case 14 ... 15:
		step_move_end(b, tid);
		break;
	case 16 ... 17:
		step_brk(b);
		break;
	case 18:
		step_discard(b);
		break;
	default:
		if (!below(3))
			step_fork(b);
		else if (!below(3))
			step_reconcile(b);
		else {
			vm_account_failed(b->account);
			b->model.failed++;
		}
	}
}

static void test_random_sequences(void **state)
{
	int round, event;

	(void)state;
	srandom(20261125);
	for (round = 0; round < 300; round++) {
		struct both b = {.account = vm_account_new()};

		assert_non_null(b.account);
		for (event = 0; event < 200; event++) {
			b.now += 1 + below(1u << below(30));
			step(&b);
			model_changed(&b.model, b.now);
			check(&b.model, b.account);
		}
		vm_account_free(b.account);
	}
}

static void begin(struct both *b, int tid, unsigned start, unsigned end)
{
	assert_int_equal(vm_account_begin(b->account, tid, address(start), address(end)), 0);
}

static uint64_t owner(const struct both *b, unsigned page)
{
	const struct extent *x = extents_from(vm_account_extents(b->account), address(page));

	return x && x->start <= address(page) ? x->stack : 0;
}

static void map(struct both *b, unsigned start, unsigned end, uint64_t stack)
{
	struct vm_mapped m = {address(start), address(end), stack, ++b->now, 0};

	assert_int_equal(vm_account_map(b->account, &m), 0);
}

/* The kernel gave the address to another thread, whose call returned first. */
static void test_address_reused_before_munmap_returns(void **state)
{
	struct both b = {.account = vm_account_new()};
	struct vm_totals totals;

	(void)state;
	map(&b, 20, 30, 7);
	begin(&b, 1, 20, 30);
	map(&b, 22, 24, 8);
	assert_int_equal(vm_account_unmap_end(b.account, 1, true, ++b.now), 0);
	assert_int_equal(owner(&b, 20), 0);
	assert_int_equal(owner(&b, 22), 8);
	assert_int_equal(owner(&b, 23), 8);
	assert_int_equal(owner(&b, 24), 0);
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.live_bytes, 2 * page_size);
	assert_int_equal(totals.mapped.peak_bytes, 10 * page_size);
	assert_int_equal(totals.mapped.unknown_frees, 0);
	vm_account_free(b.account);
}

/* Two threads unmap the same range; only one of the calls succeeds. */
static void test_two_calls_over_one_range(void **state)
{
	int failing;

	(void)state;
	for (failing = 1; failing <= 2; failing++) {
		struct both b = {.account = vm_account_new()};

		map(&b, 20, 30, 7);
		begin(&b, 1, 20, 30);
		begin(&b, 2, 25, 30);
		assert_int_equal(vm_account_unmap_end(b.account, 1, failing != 1, ++b.now), 0);
		assert_int_equal(vm_account_unmap_end(b.account, 2, failing != 2, ++b.now), 0);
		assert_int_equal(owner(&b, 20), failing == 1 ? 7 : 0);
		assert_int_equal(owner(&b, 29), 0);
		vm_account_free(b.account);
	}
}

/* glibc's way to an aligned arena: 128 MiB, then head and tail go. */
static void test_trimmed(void **state)
{
	struct both b = {.account = vm_account_new()};
	struct vm_totals totals;

	(void)state;
	map(&b, 20, 40, 7);
	begin(&b, 1, 20, 25);
	assert_int_equal(vm_account_unmap_end(b.account, 1, true, ++b.now), 0);
	begin(&b, 1, 35, 40);
	assert_int_equal(vm_account_unmap_end(b.account, 1, true, ++b.now), 0);
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.allocs, 1);
	assert_int_equal(totals.mapped.frees, 0);
	assert_int_equal(totals.mapped.freed_bytes, 10 * page_size);
	begin(&b, 1, 29, 31); /* a hole: two are left */
	assert_int_equal(vm_account_unmap_end(b.account, 1, true, ++b.now), 0);
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.allocs, 2);
	assert_int_equal(totals.mapped.alloc_bytes, 20 * page_size);
	assert_int_equal(extents_count(vm_account_extents(b.account)), 2);
	vm_account_free(b.account);
}

static void test_moved_in_place(void **state)
{
	struct both b = {.account = vm_account_new()};
	struct vm_mapped to = {address(20), address(34), 8, 5, 0};
	struct vm_totals totals;

	(void)state;
	map(&b, 20, 30, 7);
	begin(&b, 1, 20, 30);
	assert_int_equal(vm_account_move_end(b.account, 1, &to), 0);
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.allocs, 2);
	assert_int_equal(totals.mapped.frees, 1);
	assert_int_equal(totals.mapped.freed_bytes, 10 * page_size);
	assert_int_equal(owner(&b, 20), 8);
	assert_int_equal(owner(&b, 33), 8);
	/* MREMAP_DONTUNMAP: the old one stays, and is its stack's. */
	to = (struct vm_mapped){address(40), address(44), 9, 6, 0};
	begin(&b, 1, 20, 20);
	assert_int_equal(vm_account_move_end(b.account, 1, &to), 0);
	assert_int_equal(owner(&b, 20), 8);
	assert_int_equal(owner(&b, 40), 9);
	vm_account_free(b.account);
}

/* As many mappings as a process may have, by default. */
static void test_many(void **state)
{
	enum { MANY = 65530 };
	struct both b = {.account = vm_account_new()};
	struct vm_account *child;
	struct vm_totals totals;
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		unsigned at = i * 7919U % MANY; /* all places, in no order */

		map(&b, 2 * at, 2 * at + 1, 7 + i % 5);
	}
	assert_int_equal(extents_count(vm_account_extents(b.account)), MANY);
	child = vm_account_fork(b.account, ++b.now);
	assert_non_null(child);
	assert_int_equal(extents_count(vm_account_extents(child)), MANY);
	vm_account_free(child);
	begin(&b, 1, 2, 2 * MANY);
	assert_int_equal(vm_account_unmap_end(b.account, 1, true, ++b.now), 0);
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.live_bytes, page_size);
	assert_int_equal(totals.mapped.frees, MANY - 1);
	assert_int_equal(totals.mapped.peak_bytes, MANY * page_size);
	vm_account_free(b.account);
}

/* What a process passes to system calls may be anything. */
static void test_odd_ranges(void **state)
{
	static const uint64_t odd[] = {0,         1, 4095, 4096, BASE, BASE + 1, UINT64_MAX - 4096,
				       UINT64_MAX};
	struct both b = {.account = vm_account_new()};
	struct vm_totals totals;
	unsigned i, j;

	(void)state;
	map(&b, 20, 30, 7);
	for (i = 0; i < 8; i++)
		for (j = 0; j < 8; j++) {
			bool over = odd[i] <= address(20) && odd[j] > address(20);

			assert_int_equal(vm_account_begin(b.account, 1, odd[i], odd[j]), 0);
			assert_int_equal(vm_account_unmap_end(b.account, 1, !over, ++b.now), 0);
			vm_account_discard(b.account, odd[i], odd[j]);
		}
	vm_account_totals(b.account, &totals);
	assert_int_equal(totals.mapped.live_bytes, 10 * page_size);
	vm_account_free(b.account);
}

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(vm_stack_text(VM_STACK_BEFORE), "[mapped before tracing]");
	assert_string_equal(vm_stack_text(VM_STACK_UNSEEN), "[mapped unseen]");
	assert_null(vm_stack_text(0));
	assert_null(vm_stack_text(FIRST_TRUE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_sequences),
	    cmocka_unit_test(test_address_reused_before_munmap_returns),
	    cmocka_unit_test(test_two_calls_over_one_range),
	    cmocka_unit_test(test_trimmed),
	    cmocka_unit_test(test_moved_in_place),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_odd_ranges),
	    cmocka_unit_test(test_texts),
	};

	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
