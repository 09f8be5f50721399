/* SPDX-License-Identifier: GPL-2.0 */
/* The ladder for kernel functions: which rung is chosen, what is tried, what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "probe/hooks.h"

static const struct hook_row full = {
    .name = "full", .function = "f", .tracepoints = {"t", "u"}, .btf = true, .raw = true};
static const struct hook_row traced = {
    .name = "traced", .tracepoints = {"t"}, .btf = true, .raw = true};
static const struct hook_row only = {.name = "only", .tracepoints = {"t"}, .btf = true};

/* A kernel: what each rung answers, and what it was asked. */
struct fake {
	int answers[HOOK_RUNG_NR];
	int asked[HOOK_RUNG_NR];
};

static int fake_try(const struct hook_row *row, enum hook_rung rung, void *context)
{
	struct fake *fake = context;

	assert_non_null(row);
	fake->asked[rung]++;
	return fake->answers[rung];
}

static struct hook_choice choose_on(const struct hook_row *row, struct fake *fake,
				    const bool *refused, bool preempted, bool all)
{
	static const bool none[HOOK_RUNG_NR];
	struct hook_choice choice;

	memset(&choice, 0xff, sizeof(choice));
	hooks_ladder(row, 1, refused ? refused : none, preempted, all, fake_try, fake, &choice);
	return choice;
}

static struct hook_choice choose(const struct hook_row *row, struct fake *fake, const bool *refused,
				 bool all)
{
	return choose_on(row, fake, refused, false, all);
}

static void test_best_that_works(void **state)
{
	int works;

	(void)state;
	for (works = 0; works <= HOOK_RUNG_NR; works++) {
		struct fake fake = {.answers = {-EPERM, -EPERM, -EPERM, -EPERM}};
		struct hook_choice choice;
		int i;

		for (i = works; i < HOOK_RUNG_NR; i++)
			fake.answers[i] = 0;
		choice = choose(&full, &fake, NULL, false);
		assert_int_equal(choice.rung, works);
		for (i = 0; i < HOOK_RUNG_NR; i++) {
			assert_int_equal(fake.asked[i], i <= works);
			assert_int_equal(choice.answers[i], i < works    ? -EPERM
							    : i == works ? 0
									 : HOOK_UNTRIED);
		}
	}
}

static void test_all_are_asked(void **state)
{
	struct fake fake = {.answers = {0, -ENOENT, 0, -EOPNOTSUPP}};
	struct hook_choice choice = choose(&full, &fake, NULL, true);
	int i;

	(void)state;
	assert_int_equal(choice.rung, HOOK_FENTRY);
	for (i = 0; i < HOOK_RUNG_NR; i++) {
		assert_int_equal(fake.asked[i], 1);
		assert_int_equal(choice.answers[i], fake.answers[i]);
	}
}

static void test_preempted(void **state)
{
	struct fake fake = {.answers = {0, 0, 0, 0}};
	struct hook_choice choice = choose_on(&full, &fake, NULL, true, false);

	(void)state;
	assert_int_equal(choice.rung, HOOK_KPROBE);
	assert_int_equal(choice.answers[HOOK_FENTRY], HOOK_UNTRIED);
	fake.answers[HOOK_KPROBE] = -EOPNOTSUPP;
	assert_int_equal(choose_on(&full, &fake, NULL, true, false).rung, HOOK_FENTRY);
	assert_int_equal(choose_on(&traced, &fake, NULL, true, false).rung, HOOK_TRACEPOINT);
}

static void test_refused_is_not_tried(void **state)
{
	const bool refused[HOOK_RUNG_NR] = {[HOOK_FENTRY] = true, [HOOK_TRACEPOINT] = true};
	struct fake fake = {.answers = {0, -EPERM, 0, 0}};
	struct hook_choice choice = choose(&full, &fake, refused, true);

	(void)state;
	assert_int_equal(choice.rung, HOOK_RAW_TRACEPOINT);
	assert_int_equal(choice.answers[HOOK_FENTRY], HOOK_REFUSED);
	assert_int_equal(choice.answers[HOOK_TRACEPOINT], HOOK_REFUSED);
	assert_int_equal(choice.answers[HOOK_KPROBE], -EPERM);
	assert_int_equal(fake.asked[HOOK_FENTRY] + fake.asked[HOOK_TRACEPOINT], 0);
}

static void test_all_refused(void **state)
{
	const bool refused[HOOK_RUNG_NR] = {true, true, true, true};
	struct fake fake = {0};

	(void)state;
	assert_int_equal(choose(&full, &fake, refused, true).rung, HOOK_NONE);
	assert_int_equal(choose(&traced, &fake, refused, true).rung, HOOK_NONE);
	/* what has one rung only keeps it */
	assert_int_equal(choose(&only, &fake, refused, true).rung, HOOK_TRACEPOINT);
}

static void test_rungs_of_a_row(void **state)
{
	struct fake fake = {0};
	struct hook_choice choice = choose(&traced, &fake, NULL, true);

	(void)state;
	assert_int_equal(choice.rung, HOOK_TRACEPOINT);
	assert_int_equal(choice.answers[HOOK_FENTRY], HOOK_ABSENT);
	assert_int_equal(choice.answers[HOOK_KPROBE], HOOK_ABSENT);
	assert_int_equal(choice.answers[HOOK_RAW_TRACEPOINT], 0);
	assert_int_equal(choose(&only, &fake, NULL, true).answers[HOOK_RAW_TRACEPOINT],
			 HOOK_ABSENT);
}

static void test_table(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < HOOK_NR; i++) {
		const struct hook_row *row = &hook_rows[i];
		struct fake fake = {0};

		assert_non_null(row->name);
		assert_non_null(row->without);
		assert_non_null(row->tracepoints[0]);
		assert_true(row->function || !row->returns);
		/* each row can be had by its best rung, and by a tracepoint alone */
		assert_true(row->btf || row->raw);
		assert_int_equal(choose(row, &fake, NULL, false).rung, row->function ? HOOK_FENTRY
								       : row->btf
									   ? HOOK_TRACEPOINT
									   : HOOK_RAW_TRACEPOINT);
		fake = (struct fake){.answers = {-EPERM, -EPERM, 0, 0}};
		assert_int_equal(choose(row, &fake, NULL, false).rung,
				 row->btf ? HOOK_TRACEPOINT : HOOK_RAW_TRACEPOINT);
	}
}

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(hook_answer_text(0), "works");
	assert_string_equal(hook_answer_text(HOOK_REFUSED), "refused by --no-feature");
	assert_string_equal(hook_answer_text(-EPERM), "Operation not permitted");
	assert_string_equal(hook_answer_text(-ENOENT), "not in this kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_best_that_works), cmocka_unit_test(test_all_are_asked),
	    cmocka_unit_test(test_preempted),       cmocka_unit_test(test_refused_is_not_tried),
	    cmocka_unit_test(test_all_refused),     cmocka_unit_test(test_rungs_of_a_row),
	    cmocka_unit_test(test_table),           cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
