/* SPDX-License-Identifier: GPL-2.0 */
/* When it is known where ranges are begun and ended, and what is to be done then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyse/callers.h"

#define BEGIN 1 /* rows */
#define END 2
#define ROUNDS 16

/* One program, and its clock. */
struct scene {
	struct callers callers;
	double now_s;
};

static int begin(void **state)
{
	static struct scene scene;

	scene = (struct scene){0};
	*state = &scene;
	return 0;
}

static void event(struct scene *s, uint32_t row, bool called, uint64_t frame)
{
	const struct callers_event e = {
	    .t_s = s->now_s += 0.1,
	    .begins = row == BEGIN,
	    .called = called,
	    .place = {row, frame},
	};

	callers_event(&s->callers, &e);
}

/* Ranges that come to the functions from these places. */
static void functions(struct scene *s, unsigned count, uint64_t begins, uint64_t ends)
{
	while (count--) {
		event(s, BEGIN, false, begins);
		event(s, END, false, ends);
	}
}

static void calls(struct scene *s, unsigned count, uint64_t begins, uint64_t ends)
{
	while (count--) {
		event(s, BEGIN, true, begins);
		event(s, END, true, ends);
	}
}

static void wishes(struct scene *s, enum callers_wish wish)
{
	assert_int_equal(callers_wish(&s->callers, s->now_s), wish);
}

static const struct call_place found[] = {{BEGIN, 95}, {END, 195}, {END, 180}};

static void learn(struct scene *s)
{
	functions(s, ROUNDS + 1, 100, 200);
	wishes(s, CALLERS_TRY);
}

static void try(struct scene *s)
{
	learn(s);
	callers_tried(&s->callers, found, 3, s->now_s);
	assert_int_equal(s->callers.state, CALLERS_TRYING);
}

static void move(struct scene *s)
{
	try(s);
	calls(s, ROUNDS + 1, 95, 180);
	wishes(s, CALLERS_MOVE);
	callers_moved(&s->callers, s->now_s);
}

static void test_learns(void **state)
{
	struct scene *s = *state;

	wishes(s, CALLERS_NOTHING);
	functions(s, ROUNDS, 100, 200);
	wishes(s, CALLERS_NOTHING);
	functions(s, 1, 100, 210); /* something new, and it begins again */
	functions(s, ROUNDS - 1, 100, 200);
	wishes(s, CALLERS_NOTHING);
	functions(s, 1, 100, 200);
	wishes(s, CALLERS_TRY);
	assert_int_equal(s->callers.back_count, 3);
}

static void test_needs_both_and_time(void **state)
{
	struct scene *s = *state;
	unsigned i;

	for (i = 0; i < 3 * ROUNDS; i++)
		event(s, BEGIN, false, 100);
	wishes(s, CALLERS_NOTHING); /* none has ended */
	for (i = 0; i < 3 * ROUNDS; i++) {
		event(s, END, false, 200);
		event(s, BEGIN, false, 100);
	}
	wishes(s, CALLERS_TRY);
	assert_int_equal(callers_wish(&s->callers, s->callers.news_s + 0.1), CALLERS_NOTHING);
}

static void test_moves_to_what_is_used(void **state)
{
	struct scene *s = *state;

	try(s);
	calls(s, ROUNDS, 95, 180);
	wishes(s, CALLERS_NOTHING);
	calls(s, 1, 95, 180);
	wishes(s, CALLERS_MOVE);
	callers_moved(&s->callers, s->now_s);
	assert_int_equal(s->callers.state, CALLERS_MOVED);
	assert_int_equal(s->callers.site_count, 2);
	assert_int_equal(s->callers.sites[0].frame, 95);
	assert_int_equal(s->callers.sites[1].frame, 180);
	calls(s, ROUNDS, 95, 180);
	event(s, BEGIN, false, 100); /* of a probe that is on its way out */
	wishes(s, CALLERS_NOTHING);
	assert_int_equal(s->callers.state, CALLERS_MOVED);
}

static void test_another_way_is_learned(void **state)
{
	struct scene *s = *state;

	try(s);
	calls(s, ROUNDS, 95, 180);
	functions(s, 1, 300, 400);
	assert_int_equal(s->callers.state, CALLERS_LEARNING);
	functions(s, 1, 300, 400);
	calls(s, ROUNDS, 95, 180); /* known, by the instructions */
	wishes(s, CALLERS_TRY);
	assert_int_equal(s->callers.back_count, 4);
}

static void test_many_other_ways(void **state)
{
	struct scene *s = *state;
	unsigned i;

	for (i = 0; i < 20 && s->callers.state != CALLERS_STAYING; i++) {
		functions(s, 2 * ROUNDS, 100, 200);
		wishes(s, CALLERS_TRY);
		callers_tried(&s->callers, found, 3, s->now_s);
		functions(s, 1, 100, 200);
	}
	assert_true(i > 1 && i < 20);
	wishes(s, CALLERS_LEAVE);
	callers_left(&s->callers);
	wishes(s, CALLERS_NOTHING);
}

static void test_none_found(void **state)
{
	struct scene *s = *state;

	learn(s);
	callers_tried(&s->callers, NULL, 0, s->now_s);
	functions(s, 2 * ROUNDS, 100, 200);
	wishes(s, CALLERS_NOTHING);
	callers_again(&s->callers, true, s->now_s); /* a library was loaded */
	learn(s);
}

static void test_too_many(void **state)
{
	struct scene *s = *state;
	uint64_t i;

	for (i = 0; i < CALLERS_MAX; i++)
		functions(s, 1, 100 + i, 200 + i);
	learn(s);
	callers_tried(&s->callers, found, 3, s->now_s);
	assert_int_equal(s->callers.state, CALLERS_STAYING);
	wishes(s, CALLERS_LEAVE);
}

static void test_looks_again(void **state)
{
	struct scene *s = *state;

	move(s);
	s->now_s += 59;
	wishes(s, CALLERS_NOTHING);
	s->now_s += 10;
	wishes(s, CALLERS_CHECK);
	callers_again(&s->callers, false, s->now_s);
	calls(s, ROUNDS, 95, 180);
	wishes(s, CALLERS_MOVE);
	callers_moved(&s->callers, s->now_s);
	assert_int_equal(s->callers.site_count, 2);
}

/* Where a trial takes long, because steps do, there are few. */
static void test_looks_again_seldom(void **state)
{
	struct scene *s = *state;

	try(s);
	s->now_s += 20;
	calls(s, ROUNDS + 1, 95, 180);
	callers_moved(&s->callers, s->now_s);
	s->now_s += 16 * 20;
	wishes(s, CALLERS_NOTHING);
	s->now_s += 16 * 5;
	wishes(s, CALLERS_CHECK);
}

static void test_a_library_comes(void **state)
{
	struct scene *s = *state;

	move(s);
	callers_again(&s->callers, true, s->now_s);
	assert_int_equal(s->callers.state, CALLERS_TRYING);
	calls(s, 3, 95, 180);
	functions(s, 1, 300, 400);
	assert_int_equal(s->callers.state, CALLERS_LEARNING);
}

/* What happened before a state began says nothing of it. */
static void test_late_events(void **state)
{
	struct scene *s = *state;

	try(s);
	s->now_s -= 10;
	functions(s, ROUNDS, 300, 400);
	assert_int_equal(s->callers.state, CALLERS_TRYING);
}

#define TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_learns),
	    TEST(test_needs_both_and_time),
	    TEST(test_moves_to_what_is_used),
	    TEST(test_another_way_is_learned),
	    TEST(test_many_other_ways),
	    TEST(test_none_found),
	    TEST(test_too_many),
	    TEST(test_looks_again),
	    TEST(test_looks_again_seldom),
	    TEST(test_a_library_comes),
	    TEST(test_late_events),
	};

	return cmocka_run_group_tests_name("callers", tests, NULL, NULL);
}
