/* SPDX-License-Identifier: GPL-2.0 */
/* The samples that growth before an OOM kill is measured by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collect/growth.h"
#include "collect/ooms.h"

#define SECOND 1000000000ULL

static struct kernel_total total(uint32_t image, uint64_t stack, int64_t live)
{
	return (struct kernel_total){.key = {image, MS_LAYER_HEAP, stack},
				     .value = {.live_bytes = live}};
}

/* One sample, of one stack that holds `live` bytes. */
static void add(struct growth *g, uint64_t at_ns, int64_t live)
{
	struct kernel_total t = total(1, 7, live);
	assert_int_equal(growth_add(g, at_ns, &t, 1), 0);
}

static int64_t held_before(const struct growth *g, uint64_t at_ns)
{
	const struct ms_stack_key key = {1, MS_LAYER_HEAP, 7};
	const struct growth_sample *sample = growth_before(g, at_ns);

	assert_non_null(sample);
	return growth_held(sample, &key);
}

static void test_youngest_sample_that_is_old_enough(void **state)
{
	struct growth g = {0};
	uint64_t i;

	(void)state;
	assert_null(growth_before(&g, 100 * SECOND));
	/* as many bytes as seconds, every 2 s, the ring several times around */
	for (i = 2; i <= 60; i += 2) {
		add(&g, i * SECOND, (int64_t)i);
		if (i >= 14)
			assert_int_equal(held_before(&g, i * SECOND + SECOND), (int64_t)i - 10);
		else
			assert_int_equal(held_before(&g, i * SECOND + SECOND), 2);
	}
	/* exactly the window ago counts */
	assert_int_equal(held_before(&g, 60 * SECOND), 50);
	growth_free(&g);
}

static void test_slow_samples_tell_of_more_than_the_window(void **state)
{
	struct growth g = {0};

	(void)state;
	add(&g, 10 * SECOND, 10);
	add(&g, 40 * SECOND, 40);
	assert_int_equal(held_before(&g, 49 * SECOND), 10);
	assert_int_equal(held_before(&g, 50 * SECOND), 40);
	growth_free(&g);
}

static void test_sampling_has_its_share_of_the_time(void **state)
{
	struct growth g = {0};

	(void)state;
	assert_true(growth_due(&g, 0));
	growth_spent(&g, 5 * SECOND, SECOND / 1000);
	assert_false(growth_due(&g, 6 * SECOND));
	assert_true(growth_due(&g, 7 * SECOND));
	/* 50 ms are 1 % of 5 s */
	growth_spent(&g, 7 * SECOND, SECOND / 20);
	assert_false(growth_due(&g, 11 * SECOND));
	assert_true(growth_due(&g, 12 * SECOND));
}

static void test_largest_stacks_are_kept_and_the_rest_counted(void **state)
{
	size_t n = GROWTH_STACKS + 10, i;
	struct kernel_total *all = calloc(n + 2, sizeof(*all));
	const struct growth_sample *sample;
	struct growth g = {0};

	(void)state;
	assert_non_null(all);
	for (i = 0; i < n; i++)
		all[i] = total(1, 1000 + i, (int64_t)(n - i));
	all[n] = total(1, 1, 0); /* what holds nothing is no loss */
	all[n + 1] = total(1, 2, -5);
	assert_int_equal(growth_add(&g, SECOND, all, n + 2), 0);
	assert_int_equal(growth_before(&g, SECOND)->cut, 10);
	sample = growth_before(&g, SECOND);
	assert_non_null(sample);
	assert_int_equal(sample->count, GROWTH_STACKS);
	for (i = 0; i < n; i++)
		assert_int_equal(growth_held(sample, &all[i].key),
				 i < GROWTH_STACKS ? (int64_t)(n - i) : 0);
	growth_free(&g);
	free(all);
}

/* ---- a victim ------------------------------------------------------------------ */

static int64_t grown(const struct oom *oom, uint64_t stack)
{
	for (size_t i = 0; i < oom->count; i++)
		if (oom->rows[i].total.key.hash == stack)
			return oom->rows[i].growth_bytes;
	fail_msg("stack %d was not kept", (int)stack);
	return 0;
}

static void test_victim_keeps_its_own_and_what_grew(void **state)
{
	const struct kernel_total then[] = {total(1, 1, 100), total(1, 2, 50), total(2, 1, 7)};
	struct kernel_total now[] = {total(1, 1, 400), total(1, 2, 0), total(1, 3, 30),
				     total(1, 4, 0), total(2, 1, 9)};
	const struct ms_oom_event event = {.image = 1, .time_ns = 20 * SECOND};
	const struct ms_image image = {.layer[MS_LAYER_HEAP].live_bytes = 430};
	struct growth g = {0};
	struct ooms ooms = {0};
	struct oom *oom;
	(void)state;
	assert_int_equal(growth_add(&g, 8 * SECOND, then, 3), 0);
	assert_int_equal(ooms_add(&ooms, &event, &image, now, 5, &g, SECOND), 0);
	oom = ooms_find(&ooms, 1);
	assert_non_null(oom);
	assert_null(ooms_find(&ooms, 2));
	assert_int_equal(oom->before_ns, 8 * SECOND);
	/* stack 4 held nothing, then or now */
	assert_int_equal(oom->count, 3);
	assert_int_equal(grown(oom, 1), 300);
	assert_int_equal(grown(oom, 2), -50);
	assert_int_equal(grown(oom, 3), 30);
	/* a copy */
	now[0].value.live_bytes = 0;
	assert_int_equal(oom->totals.layer[MS_LAYER_HEAP].live_bytes, 430);
	ooms_free(&ooms);
	growth_free(&g);
}

static void test_young_victim_grew_from_nothing(void **state)
{
	const struct kernel_total now = total(1, 1, 400);
	const struct ms_oom_event event = {.image = 1, .time_ns = 20 * SECOND};
	const struct ms_image image = {0};
	struct growth g = {0};
	struct ooms ooms = {0};

	(void)state;
	/* without a sample nothing is said */
	assert_int_equal(ooms_add(&ooms, &event, &image, &now, 1, &g, 9 * SECOND), 0);
	assert_int_equal(ooms.items[0].before_ns, 0);
	assert_int_equal(grown(&ooms.items[0], 1), 0);
	ooms_free(&ooms);
	add(&g, 8 * SECOND, 5);
	assert_int_equal(ooms_add(&ooms, &event, &image, &now, 1, &g, 9 * SECOND), 0);
	assert_int_equal(ooms.items[0].before_ns, 9 * SECOND);
	assert_int_equal(grown(&ooms.items[0], 1), 400);
	ooms_free(&ooms);
	growth_free(&g);
}

static void test_a_later_look_replaces_one_layer(void **state)
{
	struct kernel_total now[] = {total(1, 1, 400), total(1, 9, 10)};
	struct kernel_total look[] = {total(1, 5, 20), total(1, 1, 1)};
	const struct ms_oom_event event = {.image = 1, .time_ns = 20 * SECOND};
	const struct ms_image image = {0};
	struct growth g = {0};
	struct ooms ooms = {0};

	(void)state;
	now[1].key.layer = MS_LAYER_RSS;
	look[0].key.layer = MS_LAYER_RSS;
	assert_int_equal(ooms_add(&ooms, &event, &image, now, 2, &g, 0), 0);
	assert_int_equal(oom_replace(&ooms.items[0], MS_LAYER_RSS, look, 2, &g), 0);
	assert_int_equal(ooms.items[0].count, 2);
	assert_int_equal(ooms.items[0].rows[0].total.value.live_bytes, 400);
	assert_int_equal(ooms.items[0].rows[1].total.key.hash, 5);
	ooms_free(&ooms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_youngest_sample_that_is_old_enough),
	    cmocka_unit_test(test_slow_samples_tell_of_more_than_the_window),
	    cmocka_unit_test(test_sampling_has_its_share_of_the_time),
	    cmocka_unit_test(test_largest_stacks_are_kept_and_the_rest_counted),
	    cmocka_unit_test(test_victim_keeps_its_own_and_what_grew),
	    cmocka_unit_test(test_young_victim_grew_from_nothing),
	    cmocka_unit_test(test_a_later_look_replaces_one_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
