/* SPDX-License-Identifier: GPL-2.0 */
/* doctor's table, what findings say, what follows from them, and its statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/check.h"
#include "doctor/median.h"

static const struct check check = {
    .group = "group",
    .name = "name",
    .needed = true,
    .without = "nothing works",
    .remedy = "buy one",
};

static void forget(struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->finding_count; i++)
		free(d->findings[i].text);
	free(d->findings);
}

static void test_table(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < check_count; i++) {
		assert_non_null(checks[i].name);
		assert_non_null(checks[i].group);
		assert_non_null(checks[i].look);
		for (j = 0; j < i; j++)
			assert_string_not_equal(checks[i].name, checks[j].name);
		/* groups are printed as they come: each in one piece */
		for (j = 0; j + 1 < i; j++)
			if (!strcmp(checks[j].group, checks[i].group))
				assert_string_equal(checks[i - 1].group, checks[i].group);
	}
}

static void test_texts_go_with_trouble(void **state)
{
	struct doctor d = {0};
	int verdict;

	(void)state;
	for (verdict = 0; verdict < VERDICT_NR; verdict++) {
		struct finding *f = doctor_say(&d, &check, verdict, "%d of %s", 3, "four");
		bool is_trouble = verdict == VERDICT_SLOW || verdict == VERDICT_WARN ||
				  verdict == VERDICT_MISSING;

		assert_string_equal(f->text, "3 of four");
		assert_string_equal(f->name, "name");
		assert_int_equal(f->verdict, verdict);
		assert_ptr_equal(f->without, is_trouble ? check.without : NULL);
		assert_ptr_equal(f->remedy, is_trouble ? check.remedy : NULL);
		assert_non_null(verdict_names[verdict]);
	}
	forget(&d);
}

static void test_can_trace(void **state)
{
	struct doctor d = {0};
	int i;

	(void)state;
	assert_true(doctor_can_trace(&d));
	/* more than there is room for at first */
	for (i = 0; i < 200; i++)
		doctor_say(&d, &check, i % 2 ? VERDICT_OK : VERDICT_UNKNOWN, "%d", i);
	assert_int_equal(d.finding_count, 200);
	assert_string_equal(d.findings[63].text, "63");
	assert_true(doctor_can_trace(&d));
	doctor_say(&d, &check, VERDICT_MISSING, "gone")->needed = false;
	assert_true(doctor_can_trace(&d));
	doctor_say(&d, &check, VERDICT_MISSING, "gone");
	assert_false(doctor_can_trace(&d));
	forget(&d);
}

static void test_untried(void **state)
{
	struct doctor d = {.child = (struct child *)&d, .trials_error = -ENOSPC};

	(void)state;
	doctor_say_untried(&d, &check);
	d.may_trace = true;
	doctor_say_untried(&d, &check);
	d.child = NULL;
	doctor_say_untried(&d, &check);
	assert_string_equal(d.findings[0].text, "not tried: that takes CAP_BPF and CAP_PERFMON");
	assert_string_equal(d.findings[1].text, "not tried: No space left on device");
	assert_string_equal(d.findings[2].text, "not tried: no child could be started");
	assert_int_equal(d.findings[2].verdict, VERDICT_UNKNOWN);
	forget(&d);
}

static void test_median(void **state)
{
	double numbers[] = {3, 1000, 1, 2, 5};
	double middle = median(numbers, 5);

	(void)state;
	assert_true(middle == 3);
	/* distances 2, 1, 0, 2, 997 */
	assert_true(median_spread(numbers, 5, middle) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),     cmocka_unit_test(test_texts_go_with_trouble),
	    cmocka_unit_test(test_can_trace), cmocka_unit_test(test_untried),
	    cmocka_unit_test(test_median),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
