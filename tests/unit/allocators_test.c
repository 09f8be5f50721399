/* SPDX-License-Identifier: GPL-2.0 */
/* What allocators of devices say of themselves and of requests, from events written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "analyse/tensors.h"

#define CUDA(index) ((uint16_t)(1 | (index) << 8))
#define HIP(index) ((uint16_t)(6 | (index) << 8))

static struct own_rules rules;

static void event(struct tensors *t, struct tensor_event e)
{
	e.name = "";
	e.shape.dtype = TENSOR_DTYPE_NONE;
	assert_int_equal(tensors_event(t, &e), 0);
}

/* A block comes or goes; then its device's allocator has so much given out, and taken. */
static void report(struct tensors *t, enum tensor_what what, uint16_t device, uint64_t address,
		   uint64_t size, uint64_t allocated, uint64_t reserved)
{
	event(t, (struct tensor_event){.what = what,
				       .device = device,
				       .address = address,
				       .size = size,
				       .totals = true,
				       .allocated = allocated,
				       .reserved = reserved});
}

/* Only the index of the device is known. */
static void request(struct tensors *t, unsigned index, uint64_t address, uint64_t size)
{
	event(t, (struct tensor_event){.what = TENSOR_REQUEST,
				       .device = (uint16_t)(index << 8),
				       .address = address,
				       .size = size,
				       .stream = 3});
}

static struct tensor_allocator only(const struct tensors *t)
{
	struct tensor_allocator *all, one;
	size_t count;

	assert_int_equal(tensors_allocators(t, &all, &count), 0);
	assert_int_equal(count, 1);
	one = all[0];
	free(all);
	return one;
}

static void expect(const struct tensor_use_of_device *use, uint64_t reserved, uint64_t allocated,
		   uint64_t told, uint64_t requested)
{
	assert_int_equal(use->reserved, reserved);
	assert_int_equal(use->allocated, allocated);
	assert_int_equal(use->told, told);
	assert_int_equal(use->requested, requested);
}

/* At the peak, and when the last report came; what was taken at most is another moment. */
static void test_moments(void **state)
{
	struct tensors *t = tensors_new(0, &rules);
	struct tensor_allocator a;

	(void)state;
	report(t, TENSOR_ALLOC, CUDA(0), 0x1000, 512, 512, 2000);
	request(t, 0, 0x1000, 300);
	report(t, TENSOR_ALLOC, CUDA(0), 0x2000, 1024, 1536, 2000);
	request(t, 0, 0x2000, 1000);
	report(t, TENSOR_FREE, CUDA(0), 0x1000, 512, 1024, 2000);
	report(t, TENSOR_ALLOC, CUDA(0), 0x3000, 500, 1524, 9000);
	a = only(t);
	assert_int_equal(a.device, CUDA(0));
	assert_int_equal(a.reserved_peak, 9000);
	assert_int_equal(a.live_bytes, 1524);
	expect(&a.at_peak, 2000, 1536, 1536, 1300);
	expect(&a.now, 9000, 1524, 1024, 1000);
	report(t, TENSOR_FREE, CUDA(0), 0x2000, 1024, 500, 4000);
	a = only(t);
	assert_int_equal(a.reserved_peak, 9000);
	expect(&a.at_peak, 2000, 1536, 1536, 1300);
	expect(&a.now, 4000, 500, 0, 0);
	tensors_free(t);
}

/* A request is of the block at its address on a device of its index, whatever kind that has. */
static void test_requests(void **state)
{
	struct tensors *t = tensors_new(0, &rules);
	struct tensor_allocator a;

	(void)state;
	report(t, TENSOR_ALLOC, HIP(1), 0x1000, 512, 512, 512);
	event(t, (struct tensor_event){.what = TENSOR_ALLOC, .address = 0x1000, .size = 512});
	request(t, 0, 0x1000, 100); /* another device, and not the host's either */
	request(t, 1, 0x2000, 100); /* another address */
	request(t, 1, 0x1000, 513); /* more than it has */
	a = only(t);
	assert_int_equal(a.device, HIP(1));
	expect(&a.now, 512, 512, 0, 0);
	request(t, 1, 0x1000, 100);
	a = only(t);
	expect(&a.now, 512, 512, 512, 100);
	/* Its address is another block's now, of which nothing is known. */
	report(t, TENSOR_ALLOC, HIP(1), 0x1000, 600, 600, 600);
	a = only(t);
	expect(&a.now, 600, 600, 0, 0);
	tensors_free(t);
}

/* The host's allocator says nothing of itself. */
static void test_none(void **state)
{
	struct tensors *t = tensors_new(0, &rules);
	struct tensor_allocator *all;
	size_t count;

	(void)state;
	event(t, (struct tensor_event){.what = TENSOR_ALLOC, .address = 0x1000, .size = 512});
	assert_int_equal(tensors_allocators(t, &all, &count), 0);
	assert_int_equal(count, 0);
	free(all);
	tensors_free(t);
}

/* The bytes of a category on a device, at the end. */
static uint64_t bytes_at_end(const struct tensors *t, uint16_t device, enum category_kind category)
{
	struct tensor_sums *sums;
	uint64_t bytes = 0;
	size_t i, count;

	assert_int_equal(tensors_sums(t, &sums, &count), 0);
	for (i = 0; i < count; i++)
		if (sums[i].device == device)
			bytes = sums[i].at_end[category];
	free(sums);
	return bytes;
}

/* A parameter is where it lives; one from before is on the device that its storage names. */
static void test_parameters(void **state)
{
	struct tensors *t = tensors_new(0, &rules);

	(void)state;
	report(t, TENSOR_ALLOC, CUDA(1), 0x1000, 512, 512, 512);
	event(t, (struct tensor_event){
		     .what = TENSOR_PARAMETER, .device = CUDA(1), .address = 0x1000, .size = 400});
	event(t, (struct tensor_event){.what = TENSOR_PARAMETER,
				       .device = CUDA(0),
				       .address = 0x2000,
				       .size = 400,
				       .gradient_address = 0x3000,
				       .gradient_size = 300});
	assert_int_equal(bytes_at_end(t, CUDA(1), CATEGORY_PARAMETERS), 512);
	assert_int_equal(bytes_at_end(t, CUDA(0), CATEGORY_PARAMETERS), 400);
	assert_int_equal(bytes_at_end(t, CUDA(0), CATEGORY_GRADIENTS), 300);
	assert_int_equal(bytes_at_end(t, 0, CATEGORY_PARAMETERS), 0);
	/* The allocator may call the device by another name than the tensor does. */
	report(t, TENSOR_ALLOC, HIP(0), 0x4000, 1024, 1024, 1024);
	event(t, (struct tensor_event){
		     .what = TENSOR_PARAMETER, .device = CUDA(0), .address = 0x4000, .size = 1000});
	assert_int_equal(bytes_at_end(t, HIP(0), CATEGORY_PARAMETERS), 1024);
	assert_int_equal(bytes_at_end(t, CUDA(0), CATEGORY_PARAMETERS), 400);
	tensors_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_moments),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
