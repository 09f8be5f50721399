/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The peak arithmetic the BPF programs run, against a brute-force replay: after
 * every event the total, the maximum and each stack's share must equal what an
 * event log would give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "peak.h"

#define STACKS 12

/* What a log would say: values now, and at the first moment of the maximum. */
struct replay {
	int64_t total, maximum;
	uint64_t maximum_at;
	int64_t now[STACKS], at_maximum[STACKS];
};

static void replay_change(struct replay *r, int stack, int64_t delta, uint64_t at)
{
	r->total += delta;
	r->now[stack] += delta;
	if (r->total > r->maximum) {
		r->maximum = r->total;
		r->maximum_at = at;
		memcpy(r->at_maximum, r->now, sizeof(r->now));
	}
}

static void check(const struct replay *r, const struct ms_totals *t,
		  const struct ms_stack_totals *stacks)
{
	int64_t sum = 0;
	int i;

	assert_int_equal(t->live_bytes, r->total);
	assert_int_equal(t->peak_bytes, r->maximum);
	assert_int_equal(t->peak_at_ns, r->maximum_at);
	for (i = 0; i < STACKS; i++) {
		assert_int_equal(stacks[i].live_bytes, r->now[i]);
		assert_int_equal(peak_share(t, &stacks[i]), r->at_maximum[i]);
		sum += peak_share(t, &stacks[i]);
	}
	assert_int_equal(sum, r->maximum);
}

static void change(struct ms_totals *t, struct ms_stack_totals *stacks, struct replay *r, int stack,
		   int64_t delta, uint64_t at)
{
	assert_true(peak_change(t, &stacks[stack], delta, at));
	replay_change(r, stack, delta, at);
	check(r, t, stacks);
}

/* Random walks: small sizes make equal totals, and so ties at the peak, common. */
static void test_random_sequences(void **state)
{
	int round, event;

	(void)state;
	srandom(20261124);
	for (round = 0; round < 2000; round++) {
		struct ms_stack_totals stacks[STACKS] = {0};
		struct ms_totals t = {0};
		struct replay r = {0};
		int limit = 1 + random() % 4, bias = random() % 60 + 20;

		for (event = 0; event < 300; event++) {
			int stack = random() % (1 + random() % STACKS);
			int64_t size = random() % (limit + 1);

			if (random() % 100 >= bias) {
				size = size > r.now[stack] ? r.now[stack] : size;
				size = -size;
			}
			change(&t, stacks, &r, stack, size, event + 1);
		}
	}
}

static void test_peak_passed_twice(void **state)
{
	static const struct {
		int stack, delta;
	} events[] = {
	    {0, 100}, {1, 50}, {1, -50}, {2, 50}, {2, 1}, {0, -100}, {3, 99}, {3, 1}, {3, 1},
	};
	struct ms_stack_totals stacks[STACKS] = {0};
	struct ms_totals t = {0};
	struct replay r = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		change(&t, stacks, &r, events[i].stack, events[i].delta, i + 1);
}

static void test_zero_sizes(void **state)
{
	struct ms_stack_totals stacks[STACKS] = {0};
	struct ms_totals t = {0};
	struct replay r = {0};

	(void)state;
	change(&t, stacks, &r, 0, 0, 1);
	change(&t, stacks, &r, 1, 10, 2);
	change(&t, stacks, &r, 2, 0, 3);
	change(&t, stacks, &r, 1, -10, 4);
	change(&t, stacks, &r, 2, 0, 5);
	change(&t, stacks, &r, 3, 10, 6);
}

/* ---- many threads: totals and the maximum stay exact -------------------- */

#define THREADS 8
#define EVENTS 50000

struct shared {
	struct ms_totals totals;
	struct ms_stack_totals stacks[THREADS];
	int64_t highest[THREADS]; /* the most each thread alone held */
};

struct worker {
	struct shared *shared;
	int number;
};

static void *work(void *argument)
{
	struct worker *w = argument;
	struct ms_stack_totals *stack = &w->shared->stacks[w->number];
	unsigned seed = w->number + 1;
	int64_t mine = 0;
	int i;

	for (i = 0; i < EVENTS; i++) {
		int64_t delta = rand_r(&seed) % 1000;

		if (rand_r(&seed) % 2)
			delta = -(delta > mine ? mine : delta);
		mine += delta;
		if (mine > w->shared->highest[w->number])
			w->shared->highest[w->number] = mine;
		peak_change(&w->shared->totals, stack, delta, i + 1);
	}
	peak_change(&w->shared->totals, stack, -mine, EVENTS + 1);
	return NULL;
}

static void test_threads(void **state)
{
	static struct shared shared;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int64_t bound = 0;
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){&shared, i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.totals.live_bytes, 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(shared.stacks[i].live_bytes, 0);
		bound += shared.highest[i];
		/* The total was at least what any one thread held. */
		assert_true(shared.totals.peak_bytes >= shared.highest[i]);
	}
	assert_true(shared.totals.peak_bytes <= bound);
	assert_int_equal(shared.totals.epoch & 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_sequences),
	    cmocka_unit_test(test_peak_passed_twice),
	    cmocka_unit_test(test_zero_sizes),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
