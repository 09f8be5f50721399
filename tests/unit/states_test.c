/* SPDX-License-Identifier: GPL-2.0 */
/* The state of an optimizer that was there before tracing: when it must be told, what is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "analyse/tensors.h"

#define QUIET 8 /* steps that must bring nothing new */

/* A process and its clock: a second for each event. */
struct scene {
	struct tensors *tensors;
	double now_s;
};

static struct own_rules rules;

static int begin(void **state)
{
	static struct scene scene;

	scene = (struct scene){.tensors = tensors_new(0, &rules)};
	assert_non_null(scene.tensors);
	*state = &scene;
	return 0;
}

static int end(void **state)
{
	const struct scene *s = *state;

	tensors_free(s->tensors);
	return 0;
}

static void event(struct scene *s, struct tensor_event e)
{
	e.t_s = s->now_s += 1;
	e.name = e.name ? e.name : "";
	e.shape.dtype = TENSOR_DTYPE_NONE;
	assert_int_equal(tensors_event(s->tensors, &e), 0);
}

static void update(struct scene *s, uint64_t address, uint64_t size)
{
	event(s, (struct tensor_event){.what = TENSOR_UPDATE, .address = address, .size = size});
}

static void step_begin(struct scene *s)
{
	event(s, (struct tensor_event){
		     .what = TENSOR_PUSH, .address = 9, .name = "Optimizer.step#Adam.step"});
}

static void step_end(struct scene *s)
{
	event(s, (struct tensor_event){.what = TENSOR_POP, .address = 9});
}

/* A step that changes these, and a parameter that was there before. */
static void step(struct scene *s, const uint64_t *states, size_t count)
{
	step_begin(s);
	while (count--)
		update(s, states[count], 100);
	event(s, (struct tensor_event){.what = TENSOR_PARAMETER,
				       .address = 1,
				       .size = 100,
				       .gradient_address = 2,
				       .gradient_size = 100});
	step_end(s);
}

static uint64_t at_end(const struct scene *s, enum category_kind category)
{
	struct tensor_sums *sums;
	uint64_t bytes;
	size_t count;

	assert_int_equal(tensors_sums(s->tensors, &sums, &count), 0);
	assert_int_equal(count, 1);
	bytes = sums->at_end[category];
	free(sums);
	return bytes;
}

static bool is_wanted(const struct scene *s)
{
	return tensors_wants(s->tensors, TOLD_STATES);
}

static void tell(struct scene *s)
{
	tensors_tell(s->tensors, TOLD_STATES, true, s->now_s);
}

static void test_found_in_a_step(void **state)
{
	static const uint64_t states[] = {3, 4};
	struct scene *s = *state;

	step(s, states, 2);
	assert_int_equal(at_end(s, CATEGORY_PARAMETERS), 100);
	assert_int_equal(at_end(s, CATEGORY_GRADIENTS), 100);
	assert_int_equal(at_end(s, CATEGORY_OPTIMIZER), 200);
	step(s, states, 2);
	assert_int_equal(at_end(s, CATEGORY_OPTIMIZER), 200);
	event(s, (struct tensor_event){.what = TENSOR_FREE, .address = 3});
	assert_int_equal(at_end(s, CATEGORY_OPTIMIZER), 100);
}

/* What a module or the user changes is not of an optimizer. */
static void test_nothing_outside_of_a_step(void **state)
{
	struct scene *s = *state;

	step(s, NULL, 0);
	update(s, 3, 100);
	assert_int_equal(at_end(s, CATEGORY_OPTIMIZER), 0);
}

/* What was seen to be made is known: here a gradient, and what the step made for itself. */
static void test_known_blocks_stay_what_they_are(void **state)
{
	struct scene *s = *state;

	step(s, NULL, 0);
	step_begin(s);
	event(s, (struct tensor_event){.what = TENSOR_ALLOC, .address = 5, .size = 30, .stack = 5});
	update(s, 5, 30);
	update(s, 2, 100);
	step_end(s);
	event(s, (struct tensor_event){.what = TENSOR_FREE, .address = 5});
	assert_int_equal(at_end(s, CATEGORY_OPTIMIZER), 0);
	assert_int_equal(at_end(s, CATEGORY_GRADIENTS), 100);
}

static void test_wanted_of_what_was_there_before(void **state)
{
	struct scene *s = *state;

	/* The model was made under our eyes, and its steps are seen. */
	event(s,
	      (struct tensor_event){.what = TENSOR_ALLOC, .address = 1, .size = 100, .stack = 1});
	event(s, (struct tensor_event){.what = TENSOR_PARAMETER, .address = 1, .size = 100});
	step_begin(s);
	step_end(s);
	assert_false(is_wanted(s));
	event(s, (struct tensor_event){.what = TENSOR_PARAMETER, .address = 8, .size = 100});
	assert_true(is_wanted(s));
}

/* A program that does not train pays nothing. */
static void test_not_wanted_before_a_step(void **state)
{
	struct scene *s = *state;

	event(s, (struct tensor_event){.what = TENSOR_PARAMETER, .address = 8, .size = 100});
	assert_false(is_wanted(s));
	step_begin(s);
	assert_false(is_wanted(s));
	step_end(s);
	assert_true(is_wanted(s));
}

static void test_until_steps_bring_nothing_new(void **state)
{
	static const uint64_t states[] = {3, 4};
	struct scene *s = *state;
	int i;

	step(s, NULL, 0);
	step_begin(s);
	tell(s);
	step_end(s); /* it was not told from its beginning */
	for (i = 0; i < QUIET - 1; i++)
		step(s, states, 1);
	step(s, states, 2);
	for (i = 0; i < QUIET - 1; i++) {
		step(s, states, 2);
		assert_true(is_wanted(s));
	}
	step(s, states, 2);
	assert_false(is_wanted(s));
	tensors_tell(s->tensors, TOLD_STATES, false, 0);
	assert_false(is_wanted(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_found_in_a_step, begin, end),
	    cmocka_unit_test_setup_teardown(test_nothing_outside_of_a_step, begin, end),
	    cmocka_unit_test_setup_teardown(test_known_blocks_stay_what_they_are, begin, end),
	    cmocka_unit_test_setup_teardown(test_wanted_of_what_was_there_before, begin, end),
	    cmocka_unit_test_setup_teardown(test_not_wanted_before_a_step, begin, end),
	    cmocka_unit_test_setup_teardown(test_until_steps_bring_nothing_new, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
