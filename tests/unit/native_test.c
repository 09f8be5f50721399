/* SPDX-License-Identifier: GPL-2.0 */
/* What the names of native functions say, and that it may be read long after the blocks' end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "analyse/marks.h"
#include "analyse/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_who_asks(void **state)
{
	static const struct {
		const char *function;
		bool asks;
		unsigned marks;
	} cases[] = {
	    {"c10::ProfiledCPUMemoryReporter::New", false, 0},
	    {"c10::cuda::CUDACachingAllocator::Native::NativeCachingAllocator::allocate", false, 0},
	    {"[libtorch_cpu.so+0x1e09800]", false, 0},
	    {"at::_ops::empty_memory_format::call", false, 0},
	    {"at::native::empty_cpu", false, 0},
	    {"at::native::resize_", true, 0},
	    {"at::native::clone", true, 0},
	    {"at::native::slow_conv2d_backward_out_cpu", true, MARK_WORKSPACE},
	    {"at::native::slow_conv2d_forward_out_cuda", true, MARK_WORKSPACE},
	    {"at::meta::structured_slow_conv_transpose2d::meta", true, 0},
	    {"at::cuda::getNewWorkspace()", true, MARK_WORKSPACE},
	    {"at::cuda::getCUDABlasLtWorkspace()", true, MARK_WORKSPACE},
	    {"at::cuda::getCurrentCUDABlasHandle()", true, MARK_WORKSPACE},
	    {"at::cuda::blas::gemm_and_bias<float>", true, MARK_WORKSPACE},
	    {"at::cuda::cub::detail::radix_sort_pairs_impl<long, 8>", true, MARK_WORKSPACE},
	    {"at::native::raw_cudnn_convolution_forward_out", true, MARK_WORKSPACE},
	    {"at::native::cudnn_convolution", true, 0},
	};
	unsigned marks;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (marks_of_native(cases[i].function, &marks) != cases[i].asks ||
		    marks != cases[i].marks)
			fail_msg("%s", cases[i].function);
	}
}

/* ---- read late ------------------------------------------------------------------------- */

#define WORKING 100 /* names of stacks */
#define OWN 101
#define PLAIN 102

struct scene {
	struct own_rules rules;
	struct native_marks native;
	struct tensors *tensors;
	double now_s;
};

static void begin(struct scene *s)
{
	char why[256];

	*s = (struct scene){0};
	assert_int_equal(own_add(&s->rules, "mine=f", false, why, sizeof(why)), 0);
	s->tensors = tensors_new(0, &s->rules);
	assert_non_null(s->tensors);
	tensors_read_names(s->tensors, &s->native);
}

static void end(struct scene *s)
{
	tensors_free(s->tensors);
	native_free(&s->native);
	own_free(&s->rules);
}

static void event(struct scene *s, struct tensor_event e)
{
	s->now_s += 0.01;
	e.t_s = s->now_s;
	e.name = "";
	e.shape.dtype = TENSOR_DTYPE_NONE;
	assert_int_equal(tensors_event(s->tensors, &e), 0);
}

static void alloc(struct scene *s, uint64_t address, uint64_t size, uint64_t stack)
{
	event(s, (struct tensor_event){.what = TENSOR_ALLOC,
				       .address = address,
				       .size = size,
				       .stack = stack,
				       .marks = MARK_FORWARD});
}

static void release(struct scene *s, uint64_t address)
{
	event(s, (struct tensor_event){.what = TENSOR_FREE, .address = address});
}

static void backward(struct scene *s, enum tensor_what what)
{
	event(s, (struct tensor_event){.what = what, .sp = 1000, .stage = STAGE_BACKWARD});
}

static void learn(struct scene *s)
{
	assert_int_equal(native_learn(&s->native, WORKING, MARK_WORKSPACE), 0);
	assert_int_equal(native_learn(&s->native, OWN, MARK_OWN), 0);
	assert_int_equal(native_learn(&s->native, PLAIN, 0), 0);
	tensors_names_read(s->tensors);
}

static void expect_at(struct scene *s, double t_s, unsigned category, uint64_t bytes)
{
	uint64_t all[TENSOR_CATEGORIES];

	assert_int_equal(tensors_timeline(s->tensors), 0);
	tensors_at(s->tensors, t_s, all);
	assert_int_equal(all[category], bytes);
}

static void test_ended_before(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	alloc(&s, 1, 10, WORKING); /* 0.01 s */
	alloc(&s, 2, 20, OWN);
	alloc(&s, 3, 30, PLAIN);
	release(&s, 1);
	release(&s, 2);
	assert_int_equal(tensors_waiting(s.tensors), 2);
	expect_at(&s, 0.035, CATEGORY_WORKSPACE, 0);
	learn(&s);
	assert_int_equal(tensors_waiting(s.tensors), 0);
	expect_at(&s, 0.035, CATEGORY_WORKSPACE, 10);
	expect_at(&s, 0.035, CATEGORY_NR, 20);
	expect_at(&s, 0.035, CATEGORY_ACTIVATIONS, 30);
	expect_at(&s, 0.06, CATEGORY_WORKSPACE, 0);
	expect_at(&s, 0.06, CATEGORY_NR, 0);
	/* What is known is told at once. */
	alloc(&s, 1, 10, WORKING);
	release(&s, 1);
	assert_int_equal(tensors_waiting(s.tensors), 0);
	end(&s);
}

static void test_still_before(void **state)
{
	struct tensor_sums *sums;
	struct scene s;
	size_t count;

	(void)state;
	begin(&s);
	alloc(&s, 1, 10, WORKING);
	alloc(&s, 2, 20, OWN);
	alloc(&s, 3, 30, PLAIN);
	backward(&s, TENSOR_BEGIN);
	release(&s, 1);
	release(&s, 2);
	release(&s, 3);
	backward(&s, TENSOR_END);
	learn(&s);
	assert_int_equal(tensors_sums(s.tensors, &sums, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(sums->before_backward[CATEGORY_WORKSPACE], 10);
	assert_int_equal(sums->before_backward[CATEGORY_NR], 20);
	assert_int_equal(sums->before_backward[CATEGORY_ACTIVATIONS], 30);
	assert_int_equal(sums->at_peak[CATEGORY_WORKSPACE], 10);
	assert_int_equal(sums->at_peak[CATEGORY_NR], 20);
	assert_int_equal(sums->at_peak[CATEGORY_ACTIVATIONS], 30);
	free(sums);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_asks),
	    cmocka_unit_test(test_ended_before),
	    cmocka_unit_test(test_still_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
