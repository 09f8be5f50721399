/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes of arrays and images: by the formats' definitions, and of what no maker would say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gpu/sizes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAIR(low, high) ((low) | (uint64_t)(high) << 32)

static void test_cuda(void **state)
{
	static const struct {
		uint64_t width, height;
		uint32_t format, channels;
		uint64_t bytes;
	} good[] = {
	    {10, 0, 0x01, 1, 10},   {10, 4, 0x02, 1, 80},  {10, 4, 0x03, 4, 640},
	    {10, 4, 0x08, 2, 80},   {10, 4, 0x09, 1, 80},  {10, 4, 0x0a, 1, 160},
	    {10, 4, 0x10, 4, 320},  {10, 4, 0x20, 2, 320}, {16, 16, 0xb0, 3, 384},
	    {10, 4, 0xc2, 4, 160},  {10, 4, 0xc4, 2, 160}, {10, 4, 0xcb, 4, 320},
	    {5, 5, 0x91, 4, 8 * 4}, {8, 4, 0x95, 4, 32},   {4, 4, 0x9d, 4, 16},
	    {4, 4, 0x97, 1, 8},
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		const __u64 words[] = {good[i].width, good[i].height,
				       PAIR(good[i].format, good[i].channels)};

		assert_true(size_cuda_array(words, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	assert_false(size_cuda_array((__u64[]){1, 1, PAIR(0x77, 1)}, &bytes));
	assert_false(size_cuda_array((__u64[]){1ULL << 40, 1ULL << 40, PAIR(1, 1)}, &bytes));
	assert_false(size_cuda_array((__u64[]){UINT64_MAX, 1, PAIR(0x20, 4)}, &bytes));
}

static void test_cuda_3d(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_true(size_cuda_array_3d((__u64[]){4, 3, 2, PAIR(0x20, 1), 0}, &bytes));
	assert_int_equal(bytes, 96);
	assert_true(size_cuda_array_3d((__u64[]){4, 0, 6, PAIR(0x01, 1), 1}, &bytes));
	assert_int_equal(bytes, 24);
	assert_true(size_cuda_array_3d((__u64[]){4, 3, 2, PAIR(0x20, 1), 0x40}, &bytes));
	assert_int_equal(bytes, 0);
	assert_true(size_cuda_mipmap((__u64[]){8, 8, 0, PAIR(0x01, 1), 0}, 4, &bytes));
	assert_int_equal(bytes, 64 + 16 + 4 + 1);
	assert_true(size_cuda_mipmap((__u64[]){8, 0, 3, PAIR(0x01, 1), 1}, 2, &bytes));
	assert_int_equal(bytes, 24 + 12);
	assert_true(size_cuda_mipmap((__u64[]){1, 1, 1, PAIR(0x01, 1), 0}, UINT32_MAX, &bytes));
	assert_int_equal(bytes, 64); /* no more levels than a size has bits */
}

static void test_opencl(void **state)
{
	const uint64_t rgba8 = PAIR(0x10b5, 0x10da), r_float = PAIR(0x10b0, 0x10de);
	uint64_t bytes;

	(void)state;
	/* What a type does not use is not read. */
	assert_true(size_cl_image(rgba8, (__u64[]){0x10f4, 10, 99, 99, 99, [8] = 0}, &bytes));
	assert_int_equal(bytes, 40);
	assert_true(size_cl_image(rgba8, (__u64[]){0x10f5, 10, 99, 99, 3, [8] = 0}, &bytes));
	assert_int_equal(bytes, 120);
	assert_true(size_cl_image(rgba8, (__u64[]){0x10f1, 10, 4, 99, 99, [8] = 0}, &bytes));
	assert_int_equal(bytes, 160);
	assert_true(size_cl_image(rgba8, (__u64[]){0x10f3, 10, 4, 99, 2, [8] = 0}, &bytes));
	assert_int_equal(bytes, 320);
	assert_true(size_cl_image(r_float, (__u64[]){0x10f2, 10, 4, 3, 99, [8] = 0}, &bytes));
	assert_int_equal(bytes, 480);
	assert_true(size_cl_image(r_float, (__u64[]){0x10f1, 10, 4, [8] = 7}, &bytes));
	assert_int_equal(bytes, 0);
	assert_false(size_cl_image(r_float, (__u64[]){0x10f0, 10, [8] = 0}, &bytes));
	assert_false(size_cl_image(PAIR(0x10ff, 0x10da), (__u64[]){0x10f1, 1, 1, [8] = 0}, &bytes));
	assert_false(size_cl_image(PAIR(0x10b0, 0x10df), (__u64[]){0x10f1, 1, 1, [8] = 0}, &bytes));
	assert_false(size_cl_image(0, (__u64[]){0x10f1, 1, 1, [8] = 0}, &bytes));
	assert_true(size_cl_texels(PAIR(0x10bc, 0x10d4), 10, 2, 1, &bytes)); /* RGBx, 565 */
	assert_int_equal(bytes, 40);
}

static void test_level_zero(void **state)
{
	uint64_t bytes;

	(void)state;
	/* flags and type; layout and type; x y; z w; width; height and depth; layers */
	assert_true(size_ze_image((__u64[]){PAIR(0, 2), 4, 0, 0, 10, PAIR(5, 99), 99}, &bytes));
	assert_int_equal(bytes, 200);
	assert_true(size_ze_image((__u64[]){PAIR(0, 4), 8, 0, 0, 10, PAIR(5, 2), 99}, &bytes));
	assert_int_equal(bytes, 1600);
	assert_true(size_ze_image((__u64[]){PAIR(0, 1), 0, 0, 0, 10, PAIR(99, 99), 3}, &bytes));
	assert_int_equal(bytes, 30);
	assert_false(size_ze_image((__u64[]){PAIR(0, 2), 20, 0, 0, 10, PAIR(5, 1), 1}, &bytes));
	assert_false(size_ze_image((__u64[]){PAIR(0, 9), 1, 0, 0, 10, PAIR(5, 1), 1}, &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cuda),
	    cmocka_unit_test(test_cuda_3d),
	    cmocka_unit_test(test_opencl),
	    cmocka_unit_test(test_level_zero),
	};

	return cmocka_run_group_tests_name("gpu sizes", tests, NULL, NULL);
}
