/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a thread remembers of its last walks: it changes no frame, is dropped with the mapping
 * table that it was found by, and keeps what fits in it.
 */
#include "walk_workshop.h"

static void remember(void)
{
	memset(&own, 0, sizeof(own));
	has_own = true;
	thread.walks = RECENTS_AFTER;
}

static void forget_memos(void)
{
	memset(known, 0, sizeof(known));
	thread.memo_lookups = thread.memo_hits = 0;
}

static void test_same_stack(void **state)
{
	(void)state;
	remember();
	check_program(mixed, 12);
	forget_memos();
	walk();
	check_walk();
	/* Of two frames within 32 bytes one is remembered. */
	assert_in_range(thread.memo_hits, thread.memo_lookups / 2, thread.memo_lookups);
	record_free(&record);
}

static void test_young_thread(void **state)
{
	(void)state;
	remember();
	thread.walks = 0;
	check_program(mixed, 12);
	forget_memos();
	walk();
	check_walk();
	assert_int_equal(thread.memo_hits, 0);
	record_free(&record);
}

/* Stopped anywhere, again and again: what was found for one stack serves another. */
static void test_other_stacks(void **state)
{
	pid_t pid = python_seize();
	uint64_t lookups = 0, hits = 0;
	unsigned i;

	(void)state;
	remember();
	for (i = 0; i < 40; i++) {
		record_anywhere(pid, i);
		forget_memos();
		walk();
		check_walk();
		lookups += thread.memo_lookups;
		hits += thread.memo_hits;
		record_free(&record);
	}
	child_end(pid);
	assert_in_range(hits, lookups / 4, lookups);
}

/* Another state of the mapping table: nothing that was found by the one before is taken. */
static void test_other_table(void **state)
{
	size_t i;

	(void)state;
	remember();
	check_program(mixed, 12);
	for (i = 0; i < MS_RECENTS; i++)
		own.at[i].frame++;
	table.generation++;
	walk();
	check_walk();
	assert_int_equal(own.generation, table.generation);
	record_free(&record);
}

static void check_kept(const struct memo *memo, bool fits)
{
	struct recent recent = {0};
	struct memo back = {.address = memo->address};

	recent_set(&recent, memo);
	assert_int_equal(recent_take(&recent, memo->address, &back), fits);
	if (!fits)
		return;
	assert_memory_equal(&back.rule, &memo->rule, sizeof(back.rule));
	assert_int_equal(back.frame, memo->frame);
	assert_int_equal(back.reason, memo->reason);
	assert_int_equal(recent_take(&recent, memo->address ^ 1, &back), 0);
	assert_int_equal(recent_take(&recent, memo->address | 1ULL << 60, &back), 0);
}

static void test_packing(void **state)
{
	static const struct {
		struct memo memo;
		bool fits;
	} cases[] = {
	    {{0x7f0000001234,
	      0,
	      MS_END_NR - 1,
	      ~0ULL,
	      {MS_RULE_UNSUPPORTED, MS_REG_LAST, MS_SAVED_CFA_VALUE, MS_SAVED_CFA_VALUE, 32767,
	       -32768, 32767, -32768},
	      0},
	     true},
	    {{(1ULL << 48) - 1, 0, 0, 1, {MS_RULE_CFA, 0, 0, MS_SAVED_AT_FP, -32768, 8, -8, 0}, 0},
	     true},
	    {{1, 0, MS_END_NO_ROWS, MS_FRAME(3, 0x100), {0}, 0}, true},
	    {{0x1000, 0, 0, 1, {MS_RULE_CFA, 1, 0, 0, 32768, 0, 0, 0}, 0}, false},
	    {{0x1000, 0, 0, 1, {MS_RULE_DEREF, 1, 0, 0, 0, 0, 0, 40000}, 0}, false},
	    {{1ULL << 48, 0, 0, 1, {MS_RULE_CFA, 1, 0, 0, 16, 0, 0, 0}, 0}, false},
	    {{0xffffffffff600000, 0, 0, 1, {MS_RULE_CFA, 1, 0, 0, 16, 0, 0, 0}, 0}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_kept(&cases[i].memo, cases[i].fits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_stack),   cmocka_unit_test(test_young_thread),
	    cmocka_unit_test(test_other_stacks), cmocka_unit_test(test_other_table),
	    cmocka_unit_test(test_packing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
