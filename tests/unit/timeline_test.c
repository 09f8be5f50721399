/* SPDX-License-Identifier: GPL-2.0 */
/* The time line stays bounded and evenly spread however long a run is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collect/timeline.h"

static void run(struct timeline *t, uint64_t ticks, size_t processes)
{
	uint64_t tick;
	size_t i;

	for (tick = 0; tick < ticks; tick++) {
		if (!timeline_begin(t))
			continue;
		for (i = 0; i < processes; i++) {
			struct point point = {.t_s = tick * 0.1, .process = i, .rss_bytes = tick};

			assert_int_equal(timeline_add(t, &point), 0);
		}
	}
}

static void test_short_runs_keep_everything(void **state)
{
	struct timeline t = {0};
	size_t i;

	(void)state;
	run(&t, 1000, 3);
	assert_int_equal(t.count, 3000);
	assert_int_equal(t.stride, 1);
	for (i = 0; i < t.count; i++)
		assert_int_equal(t.points[i].rss_bytes, i / 3);
	timeline_free(&t);
}

static void test_long_runs_are_thinned_evenly(void **state)
{
	struct timeline t = {0};
	const size_t processes = 7;
	size_t i;

	(void)state;
	run(&t, 10 * TIMELINE_MAX / processes, processes);
	assert_true(t.count <= TIMELINE_MAX + processes);
	assert_true(t.count >= TIMELINE_MAX / 4);
	assert_true(t.stride >= 8);
	assert_int_equal(t.points[0].rss_bytes, 0);
	for (i = 0; i < t.count; i++) {
		/* Whole ticks are kept, every stride-th of them, in order. */
		assert_int_equal(t.points[i].process, i % processes);
		assert_int_equal(t.points[i].rss_bytes, i / processes * t.stride);
	}
	timeline_free(&t);
}

static void test_unused_is_empty(void **state)
{
	struct timeline t = {0};

	(void)state;
	timeline_free(&t);
	assert_null(t.points);
	assert_int_equal(t.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_short_runs_keep_everything),
	    cmocka_unit_test(test_long_runs_are_thinned_evenly),
	    cmocka_unit_test(test_unused_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
