/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading /proc races with events, and events with each other: threads of a
 * pretended process make calls that begin, take effect and return at three
 * different times; what they report is read late, and the list from /proc in
 * between.  When all is read, each page must be its true owner's.
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

#define PAGES 40
#define HEAP 10 /* the first pages are the break's */
#define THREADS 5
#define EVENTS 4000
#define BASE 0x7f0000000000ULL

static uint64_t page_size;

enum kind { MAP, MAP_AT, UNMAP, MOVE, BRK, KINDS };

struct event {
	enum { BEGIN, END } when;
	enum kind kind;
	int tid;
	bool ok;
	unsigned old_start, old_end, start, end, stack;
};

struct thread {
	enum { IDLE, BEGUN, DONE } state;
	struct event call;
};

struct world {
	/* the kernel's side */
	unsigned owner[PAGES]; /* the stack that mapped the page, 0: nobody */
	unsigned busy[PAGES];  /* calls under way that a sane program lets end first */
	unsigned named[PAGES]; /* of them: those that have not taken effect */
	unsigned brk;
	struct thread threads[THREADS];
	unsigned next_stack;
	/* what was reported, and how much of it was read */
	struct event events[EVENTS];
	size_t reported, read;
	struct vm_account *account;
	uint64_t now;
};

static unsigned below(unsigned limit)
{
	return (unsigned)random() % limit;
}

static uint64_t address(unsigned page)
{
	return BASE + page * page_size;
}

/* ---- the process ------------------------------------------------------------ */

static void report(struct world *w, const struct event *event, int when)
{
	assert_true(w->reported < EVENTS);
	w->events[w->reported] = *event;
	w->events[w->reported++].when = when;
}

static void add(unsigned *counts, unsigned start, unsigned end, int by)
{
	for (; start < end; start++)
		counts[start] += by;
}

static void set_owner(struct world *w, unsigned start, unsigned end, unsigned stack)
{
	for (; start < end; start++)
		w->owner[start] = stack;
}

/* A range no call is at work on, so that a program may name it. */
static bool idle_range(const struct world *w, unsigned *start, unsigned *end)
{
	unsigned i;

	*start = HEAP + below(PAGES - HEAP);
	*end = *start + 1 + below(8);
	if (*end > PAGES)
		*end = PAGES;
	for (i = *start; i < *end; i++)
		if (w->busy[i])
			return false;
	return true;
}

/*
 * Where the kernel has room, perhaps what another call has just freed; but not a
 * hole that a call is about to unmap: such a program breaks itself.
 */
static bool free_range(const struct world *w, unsigned *start, unsigned *end)
{
	unsigned i, size = 1 + below(6), at = HEAP + below(PAGES - HEAP);

	for (i = at; i < PAGES && i < at + size; i++)
		if (w->owner[i] || w->named[i])
			return false;
	*start = at;
	*end = i;
	return true;
}

static void thread_begin(struct world *w, int tid)
{
	struct event call = {.kind = below(KINDS), .tid = tid, .ok = below(5) != 0};

	switch (call.kind) {
	case MAP:
		break;
	case BRK:
		if (w->busy[0])
			return;
		call.old_start = 0;
		call.old_end = HEAP;
		break;
	default:
		if (!idle_range(w, &call.old_start, &call.old_end))
			return;
	}
	add(w->busy, call.old_start, call.old_end, 1);
	add(w->named, call.old_start, call.old_end, 1);
	if (call.kind == UNMAP || call.kind == MOVE)
		report(w, &call, BEGIN);
	w->threads[tid].call = call;
	w->threads[tid].state = BEGUN;
}

/* The call takes effect. */
static void thread_do(struct world *w, struct thread *t)
{
	struct event *c = &t->call;

	t->state = DONE;
	add(w->named, c->old_start, c->old_end, -1);
	if (c->kind == MAP || (c->kind == MOVE && below(2)))
		c->ok = c->ok && free_range(w, &c->start, &c->end);
	else if (c->kind == MAP_AT)
		c->start = c->old_start, c->end = c->old_end;
	else if (c->kind == MOVE) /* in place, shorter at times */
		c->start = c->old_start,
		c->end = c->old_start + 1 + below(c->old_end - c->old_start);
	else if (c->kind == BRK)
		c->start = w->brk, c->end = below(HEAP + 1);
	if (!c->ok)
		return;
	c->stack = 100 + w->next_stack++;
	if (c->kind == UNMAP || c->kind == MOVE)
		set_owner(w, c->old_start, c->old_end, 0);
	if (c->kind == BRK) {
		set_owner(w, c->start, c->end, c->stack);
		set_owner(w, c->end, c->start, 0);
		w->brk = c->end;
	} else if (c->kind != UNMAP) {
		set_owner(w, c->start, c->end, c->stack);
		add(w->busy, c->start, c->end, 1);
	}
}

static void thread_end(struct world *w, struct thread *t)
{
	struct event *c = &t->call;

	report(w, c, END);
	add(w->busy, c->old_start, c->old_end, -1);
	if (c->ok && c->kind != UNMAP && c->kind != BRK)
		add(w->busy, c->start, c->end, -1);
	t->state = IDLE;
}

static void thread_step(struct world *w, int tid, bool may_begin)
{
	struct thread *t = &w->threads[tid];

	if (t->state == BEGUN)
		thread_do(w, t);
	else if (t->state == DONE)
		thread_end(w, t);
	else if (may_begin)
		thread_begin(w, tid);
}

/* ---- who watches --------------------------------------------------------------- */

static void read_event(struct world *w)
{
	const struct event *e = &w->events[w->read++];
	struct vm_mapped m = {address(e->start), address(e->end), e->stack, ++w->now, 0};
	int err = 0;

	if (e->when == BEGIN)
		err = vm_account_begin(w->account, e->tid, address(e->old_start),
				       address(e->old_end));
	else if (e->kind == UNMAP)
		err = vm_account_unmap_end(w->account, e->tid, e->ok, w->now);
	else if (e->kind == MOVE)
		err = vm_account_move_end(w->account, e->tid, e->ok ? &m : NULL);
	else if (!e->ok)
		vm_account_failed(w->account);
	else if (e->kind == BRK)
		err = vm_account_brk(w->account, &m);
	else
		err = vm_account_map(w->account, &m);
	assert_int_equal(err, 0);
}

static void reconcile(struct world *w, enum vm_stack reason)
{
	struct area items[PAGES];
	struct areas areas = {.items = items};
	const struct extent *x;
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < PAGES; i++)
		if (w->owner[i])
			items[areas.count++] =
			    (struct area){.start = address(i), .end = address(i + 1)};
	assert_int_equal(vm_account_reconcile(w->account, &areas, reason, ++w->now), 0);
	/* The list, exactly. */
	for (x = extents_from(vm_account_extents(w->account), 0); x; x = extents_next(x)) {
		for (i = (x->start - BASE) / page_size; address(i) < x->end; i++)
			assert_true(w->owner[i]);
		bytes += x->end - x->start;
	}
	assert_int_equal(bytes, areas.count * page_size);
}

static void check_owners(const struct world *w)
{
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		const struct extent *x = extents_from(vm_account_extents(w->account), address(i));
		unsigned owner = x && x->start <= address(i) ? x->stack : 0;

		assert_int_equal(owner, w->owner[i]);
	}
}

/* `lists`: one step in so many reads /proc, 0: none does. */
static void run(struct world *w, unsigned steps, unsigned lists)
{
	unsigned i;

	for (i = 0; i < steps; i++) {
		thread_step(w, below(THREADS), true);
		/* Mostly read at once, at times long after. */
		while (w->read < w->reported && below(i / 100 % 2 ? 2 : 20))
			read_event(w);
		if (lists && !below(lists))
			reconcile(w, VM_STACK_UNSEEN);
	}
	for (i = 0; i < THREADS; i++)
		while (w->threads[i].state != IDLE)
			thread_step(w, i, false);
	while (w->read < w->reported)
		read_event(w);
}

static void run_rounds(unsigned seed, unsigned lists)
{
	struct world *w = malloc(sizeof(*w));
	int round;

	assert_non_null(w);
	srandom(seed);
	for (round = 0; round < 300; round++) {
		memset(w, 0, sizeof(*w));
		w->account = vm_account_new();
		assert_non_null(w->account);
		run(w, 1000, lists);
		check_owners(w);
		vm_account_free(w->account);
	}
	free(w);
}

static void test_events_alone(void **state)
{
	(void)state;
	run_rounds(1, 0);
}

static void test_lists_between(void **state)
{
	(void)state;
	run_rounds(2, 50);
	run_rounds(3, 3);
}

/*
 * Tracing begins: events are reported from now on, and the list is read a while
 * later, when some of them have happened already.
 */
static void test_begun_in_the_middle(void **state)
{
	struct world *w = malloc(sizeof(*w));
	int round;
	unsigned i;

	(void)state;
	assert_non_null(w);
	srandom(4);
	for (round = 0; round < 300; round++) {
		memset(w, 0, sizeof(*w));
		w->account = vm_account_new();
		assert_non_null(w->account);
		w->brk = below(HEAP);
		for (i = 0; i < PAGES; i++)
			w->owner[i] = i < HEAP ? (i < w->brk ? VM_STACK_BEFORE : 0)
					       : (below(2) ? VM_STACK_BEFORE : 0);
		for (i = 0; i < 60; i++)
			thread_step(w, below(THREADS), true);
		for (i = below(w->reported + 1); w->read < i;)
			read_event(w);
		reconcile(w, VM_STACK_BEFORE);
		run(w, 200, 0);
		check_owners(w);
		vm_account_free(w->account);
	}
	free(w);
}

/* Events were lost: the next list makes up for them. */
static void test_lost_events(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct vm_totals totals;
	int round, i;

	(void)state;
	assert_non_null(w);
	srandom(5);
	for (round = 0; round < 100; round++) {
		memset(w, 0, sizeof(*w));
		w->account = vm_account_new();
		assert_non_null(w->account);
		for (i = 0; i < 20; i++) {
			run(w, 30, 0);
			thread_step(w, 0, true);
			while (w->threads[0].state != IDLE)
				thread_step(w, 0, false);
			w->read = w->reported; /* all of that call, and it was read by nobody */
			reconcile(w, VM_STACK_UNSEEN);
		}
		vm_account_totals(w->account, &totals);
		assert_int_equal(totals.mapped.live_bytes,
				 extents_bytes(vm_account_extents(w->account)));
		vm_account_free(w->account);
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events_alone),
	    cmocka_unit_test(test_lists_between),
	    cmocka_unit_test(test_begun_in_the_middle),
	    cmocka_unit_test(test_lost_events),
	};

	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
