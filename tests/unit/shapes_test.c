/* SPDX-License-Identifier: GPL-2.0 */
/* When shapes must be told, and what is known of them when they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyse/shapes.h"

#define FLOAT32 6

static struct tensor_shape shape(uint64_t rows, uint64_t columns)
{
	return (struct tensor_shape){.dims = {rows, columns}, .ndim = 2, .dtype = FLOAT32};
}

static const struct tensor_shape none = {.dtype = TENSOR_DTYPE_NONE};

static int begin(void **state)
{
	static struct shapes shapes;

	*state = &shapes;
	assert_int_equal(shapes_init(&shapes), 0);
	shapes_tell(&shapes, true, 0);
	return 0;
}

static int end(void **state)
{
	shapes_free(*state);
	return 0;
}

/* An allocation of which `told` is told; what it is then known to be. */
static struct tensor_shape alloc(struct shapes *s, double t_s, uint64_t stack, uint64_t size,
				 struct tensor_shape told)
{
	assert_int_equal(shapes_event(s, t_s, stack, size, &told), 0);
	return told;
}

/* `count` times the same three tensors; of the last of them nothing is ever told. */
static void round_of(struct shapes *s, double t_s, unsigned count)
{
	while (count--) {
		alloc(s, t_s, 1, 24, shape(2, 3));
		alloc(s, t_s, 1, 48, shape(4, 3));
		alloc(s, t_s, 2, 48, none);
	}
}

static void expect(struct tensor_shape found, uint64_t rows, uint64_t columns)
{
	assert_int_equal(found.dtype, FLOAT32);
	assert_int_equal(found.ndim, 2);
	assert_int_equal(found.dims[0], rows);
	assert_int_equal(found.dims[1], columns);
}

static void test_known(void **state)
{
	struct shapes *s = *state;

	assert_true(shapes_wanted(s));
	round_of(s, 1, 300);
	assert_true(shapes_wanted(s)); /* not enough to be sure */
	round_of(s, 1, 300);
	assert_false(shapes_wanted(s));
	shapes_tell(s, false, 2);
	expect(alloc(s, 3, 1, 24, none), 2, 3);
	expect(alloc(s, 3, 1, 48, none), 4, 3);
	assert_int_equal(alloc(s, 3, 2, 48, none).dtype, TENSOR_DTYPE_NONE);
	assert_false(shapes_wanted(s));
}

/* What a thread was told before the probes were out is not of its next block. */
static void test_left_over(void **state)
{
	struct shapes *s = *state;

	round_of(s, 1, 600);
	shapes_tell(s, false, 2);
	expect(alloc(s, 3, 1, 24, shape(3, 2)), 2, 3);
	/* … and what comes before they are in again is not learnt. */
	shapes_tell(s, true, 5);
	expect(alloc(s, 4, 1, 24, shape(3, 2)), 2, 3);
	expect(shapes_find(s, 1, 24), 2, 3);
}

static void test_new_ones(void **state)
{
	struct shapes *s = *state;
	unsigned i, needed[3];

	round_of(s, 1, 600);
	for (i = 0; i < 3; i++) {
		shapes_tell(s, false, 2 * i + 2);
		for (needed[i] = 0; !shapes_wanted(s); needed[i]++)
			alloc(s, 2 * i + 2, 100 + i, 24, none);
		shapes_tell(s, true, 2 * i + 3);
		assert_int_equal(shapes_find(s, 100 + i, 24).dtype, TENSOR_DTYPE_NONE);
		alloc(s, 2 * i + 3, 100 + i, 24, shape(1, 6));
		expect(shapes_find(s, 100 + i, 24), 1, 6);
		assert_true(shapes_wanted(s));
	}
	assert_in_range(needed[0], 1, 64);
	assert_int_equal(needed[1], 2 * needed[0]);
	assert_int_equal(needed[2], 2 * needed[1]);
}

/* Where the same stack and size come with two shapes, only being told says which. */
static void test_several(void **state)
{
	struct shapes *s = *state;
	unsigned i;

	for (i = 0; i < 5000; i++)
		expect(alloc(s, 1, 7, 24, i % 2 ? shape(2, 3) : shape(3, 2)), i % 2 ? 2 : 3,
		       i % 2 ? 3 : 2);
	assert_true(shapes_wanted(s));
	assert_int_equal(shapes_find(s, 7, 24).dtype, TENSOR_DTYPE_NONE);
	/* Few bytes of that kind are not worth a probe. */
	for (i = 0; i < 1000; i++)
		alloc(s, 1, 8, 24000, shape(2000, 3));
	assert_true(shapes_wanted(s)); /* new just now */
	for (i = 0; i < 1000; i++)
		alloc(s, 1, 8, 24000, shape(2000, 3));
	assert_false(shapes_wanted(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_known, begin, end),
	    cmocka_unit_test_setup_teardown(test_left_over, begin, end),
	    cmocka_unit_test_setup_teardown(test_new_ones, begin, end),
	    cmocka_unit_test_setup_teardown(test_several, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
