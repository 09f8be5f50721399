/* SPDX-License-Identifier: GPL-2.0 */
/* The gpu layer: what its calls come to, in the order in which threads are seen to return. */
#include "gpu_workshop.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void take(uint32_t tid, uint64_t address, uint64_t size)
{
	TELL("cuMemAlloc_v2", .tid = tid, .out = address, .argument = {0, size});
}

static void begin_free(uint32_t tid, uint64_t address)
{
	TELL("cuMemFree_v2", .tid = tid, .begins = 1, .argument = {address});
}

static void end_free(uint32_t tid, uint64_t address, uint64_t result)
{
	TELL("cuMemFree_v2", .tid = tid, .argument = {address}, .result = result);
}

static void test_blocks(void **state)
{
	(void)state;
	take(1, 0x1000, 100);
	take(1, 0x2000, 50);
	assert_int_equal(live_bytes(), 150);
	begin_free(1, 0x1000);
	assert_int_equal(live_bytes(), 150);
	end_free(1, 0x1000, 1); /* it has failed */
	assert_int_equal(live_bytes(), 150);
	begin_free(1, 0x1000);
	end_free(1, 0x1000, 0);
	assert_int_equal(live_bytes(), 50);
	begin_free(1, 0x1000);
	end_free(1, 0x1000, 0);
	assert_int_equal(gpu_books(gpu)->totals.unknown_frees, 1);
	begin_free(1, 0);
	end_free(1, 0, 0); /* of nothing */
	assert_int_equal(gpu_books(gpu)->totals.unknown_frees, 1);
	assert_int_equal(gpu_books(gpu)->totals.peak_bytes, 150);
}

/* The result is an int: what is above it in the register is anything. */
static void test_results(void **state)
{
	(void)state;
	TELL("cuMemAlloc_v2", .out = 0x1000, .argument = {0, 64}, .result = 0xdead00000000);
	assert_int_equal(live_bytes(), 64);
	TELL("cuMemAlloc_v2", .out = 0x2000, .argument = {0, 1 << 20}, .result = 2);
	assert_int_equal(live_bytes(), 64);
	assert_true(failure.failed);
	assert_int_equal(failure.bytes, 1 << 20);
	assert_int_equal(gpu_books(gpu)->totals.failed, 1);
	TELL("cuCtxSetCurrent", .argument = {0x99}, .result = 1); /* not memory's failure */
	assert_false(failure.failed);
	TELL("clCreateBuffer", .argument = {1, 0, 777}, .result = 0);
	assert_true(failure.failed);
	assert_int_equal(failure.bytes, 777);
}

/* The address is given to another thread before the free of it is seen to end. */
static void test_handed_out_again(void **state)
{
	(void)state;
	take(1, 0x1000, 100);
	begin_free(1, 0x1000);
	take(2, 0x1000, 30);
	assert_int_equal(live_bytes(), 30);
	end_free(1, 0x1000, 0);
	assert_int_equal(live_bytes(), 30);
	assert_int_equal(gpu_books(gpu)->totals.unknown_frees, 0);
	assert_int_equal(counts_now().missed_frees, 0);
	begin_free(2, 0x1000);
	end_free(2, 0x1000, 0);
	assert_int_equal(live_bytes(), 0);
}

static void test_free_unseen(void **state)
{
	(void)state;
	take(1, 0x1000, 100);
	take(1, 0x1000, 30);
	assert_int_equal(live_bytes(), 30);
	assert_int_equal(counts_now().missed_frees, 1);
	end_free(1, 0x1000, 0); /* whose beginning was not told */
	assert_int_equal(live(), 0);
}

static void test_context_end(void **state)
{
	(void)state;
	TELL("cuCtxCreate_v2", .tid = 1, .out = 0xc1, .argument = {0, 0, 3});
	take(1, 0x1000, 100);
	TELL("cuCtxCreate_v3", .tid = 2, .out = 0xc2, .argument = {0, 0, 0, 0, 1});
	take(2, 0x2000, 20);
	assert_int_equal(device_of("cuda:3")->totals.live_bytes, 100);
	assert_int_equal(device_of("cuda:1")->totals.live_bytes, 20);
	TELL("cuCtxDestroy_v2", .tid = 1, .begins = 1, .argument = {0xc1});
	take(2, 0x1000, 5); /* freed by then */
	TELL("cuCtxDestroy_v2", .tid = 1, .argument = {0xc1});
	assert_int_equal(live_bytes(), 25);
	assert_int_equal(counts_now().missed_frees, 0);
	/* The context's handle is given out again, for another device. */
	TELL("cuCtxCreate_v2", .tid = 1, .out = 0xc1, .argument = {0, 0, 2});
	take(1, 0x3000, 7);
	assert_int_equal(device_of("cuda:2")->totals.live_bytes, 7);
	TELL_FREE("cuCtxDestroy_v2", .tid = 1, .argument = {0xc2});
	assert_int_equal(live_bytes(), 7);
}

static void test_primary(void **state)
{
	(void)state;
	TELL("cuDevicePrimaryCtxRetain", .out = 0xa0, .argument = {0, 1});
	TELL("cuDevicePrimaryCtxRetain", .out = 0xa0, .argument = {0, 1});
	TELL("cuCtxPushCurrent_v2", .argument = {0xa0});
	take(THREAD, 0x1000, 10);
	TELL_FREE("cuDevicePrimaryCtxRelease_v2", .argument = {1});
	assert_int_equal(live_bytes(), 10);
	TELL_FREE("cuDevicePrimaryCtxRelease_v2", .argument = {1});
	assert_int_equal(live_bytes(), 0);
	TELL_FREE("cuDevicePrimaryCtxRelease_v2", .argument = {1}); /* once too often */
	take(THREAD, 0x1000, 20);
	TELL_FREE("cuDevicePrimaryCtxReset_v2", .argument = {0}); /* of another device */
	assert_int_equal(live_bytes(), 20);
	TELL_FREE("cuDevicePrimaryCtxReset_v2", .argument = {1});
	assert_int_equal(live_bytes(), 0);
}

/* With -p: references from before are not known, and neither is the context. */
static void test_attached(void **state)
{
	(void)state;
	gpu_free(gpu);
	gpu = gpu_new(false);
	take(1, 0x1000, 10);
	assert_int_equal(counts_now().unknown_device, 1);
	assert_int_equal(device_of("cuda:0")->totals.live_bytes, 10);
	TELL("cuCtxGetDevice", .tid = 1, .out = 0xffffffff00000001);
	take(1, 0x2000, 20);
	assert_int_equal(device_of("cuda:1")->totals.live_bytes, 20);
	TELL("cuDevicePrimaryCtxRetain", .tid = 2, .out = 0xa0, .argument = {0, 0});
	TELL_FREE("cuDevicePrimaryCtxRelease_v2", .tid = 2, .argument = {0});
	assert_int_equal(live_bytes(), 30);
	/* What is on the device by a context that is not known was on the one that all share. */
	TELL_FREE("cuDevicePrimaryCtxReset_v2", .tid = 2, .argument = {0});
	assert_int_equal(live_bytes(), 20);
	assert_int_equal(counts_now().unknown_device, 1);
}

static void test_physical(void **state)
{
	const uint64_t size = 4 << 20;

	(void)state;
	TELL("cuMemCreate", .out = 0x42, .argument = {0, size}, .words = {1 | 1ULL << 32});
	TELL("cuMemMap", .argument = {0x10000000, size, 0, 0x42});
	TELL_FREE("cuMemRelease", .argument = {0x42});
	assert_int_equal(live_bytes(), size);
	/* The handle is another's, while the first one's memory is mapped still. */
	TELL("cuMemCreate", .out = 0x42, .argument = {0, 100}, .words = {2});
	assert_int_equal(counts_now().missed_frees, 0);
	assert_int_equal(device_of("cuda:1")->totals.live_bytes, size);
	assert_int_equal(device_of("host-pinned")->totals.live_bytes, 100);
	TELL("cuMemRetainAllocationHandle", .out = 0x43, .argument = {0, 0x10000001});
	TELL("cuMemRetainAllocationHandle", .out = 0x43, .argument = {0, 0x10000000 + size - 1});
	TELL("cuMemRetainAllocationHandle", .out = 0x44, .argument = {0, 0x10000000 + size});
	TELL_FREE("cuMemUnmap", .argument = {0x10000000, size}, .result = 1);
	TELL_FREE("cuMemUnmap", .argument = {0x10000000, size});
	TELL_FREE("cuMemRelease", .argument = {0x43});
	assert_int_equal(live_bytes(), size + 100);
	TELL_FREE("cuMemRelease", .argument = {0x43});
	assert_int_equal(live_bytes(), 100);
	/* Mappings alone are no memory, and no free of any. */
	assert_int_equal(gpu_books(gpu)->totals.allocs, 2);
	assert_int_equal(gpu_books(gpu)->totals.frees, 1);
	assert_int_equal(gpu_books(gpu)->totals.unknown_frees, 0);
}

/* One unmap of neighbours, meanwhile mapped anew by another thread. */
static void test_unmap_range(void **state)
{
	(void)state;
	TELL("cuMemCreate", .out = 1, .argument = {0, 10}, .words = {1});
	TELL("cuMemCreate", .out = 2, .argument = {0, 20}, .words = {1});
	TELL("cuMemCreate", .out = 3, .argument = {0, 40}, .words = {1});
	TELL("cuMemMap", .argument = {0x1000, 0x1000, 0, 1});
	TELL("cuMemMap", .argument = {0x2000, 0x1000, 0, 2});
	TELL_FREE("cuMemRelease", .argument = {1});
	TELL_FREE("cuMemRelease", .argument = {2});
	TELL("cuMemUnmap", .tid = 1, .begins = 1, .argument = {0x1000, 0x2000});
	TELL("cuMemMap", .tid = 2, .argument = {0x2000, 0x1000, 0, 3});
	TELL_FREE("cuMemRelease", .tid = 2, .argument = {3});
	TELL("cuMemUnmap", .tid = 1, .argument = {0x1000, 0x2000});
	assert_int_equal(live_bytes(), 40);
	TELL_FREE("cuMemUnmap", .argument = {0x1000, 0x2000});
	assert_int_equal(live_bytes(), 0);
}

static void test_shared(void **state)
{
	(void)state;
	TELL("cuMemHostRegister_v2", .argument = {0x7000, 500});
	assert_int_equal(live(), 1);
	assert_int_equal(live_bytes(), 0);
	assert_int_equal(device_of("host-registered")->shared_bytes, 500);
	TELL_FREE("cuMemHostUnregister", .argument = {0x7000});
	assert_int_equal(device_of("host-registered")->shared_bytes, 0);
	TELL("cuImportExternalMemory", .out = 0x5, .words = {900});
	assert_int_equal(device_of("imported")->shared_bytes, 900);
	assert_int_equal(gpu_books(gpu)->totals.peak_bytes, 0);
}

static void test_opencl(void **state)
{
	(void)state;
	TELL("clCreateBuffer", .argument = {1, 1, 1000}, .result = 0xb1);
	TELL("clCreateBuffer", .argument = {1, 1 | 1 << 3, 300, 0x9000}, .result = 0xb2);
	assert_int_equal(device_of("opencl")->shared_bytes, 300);
	TELL("clCreateSubBuffer", .argument = {0xb1}, .result = 0xb3);
	TELL("clRetainMemObject", .argument = {0xb1});
	TELL_FREE("clReleaseMemObject", .argument = {0xb1});
	TELL_FREE("clReleaseMemObject", .argument = {0xb1});
	assert_int_equal(live_bytes(), 1000); /* its part holds it */
	TELL_FREE("clReleaseMemObject", .argument = {0xb3});
	assert_int_equal(live_bytes(), 0);
	assert_int_equal(live(), 1);
	/* An image of a buffer has no memory of its own. */
	TELL("clCreateBuffer", .argument = {1, 1, 64}, .result = 0xb1);
	TELL("clCreateImage", .result = 0xb4, .value = 0x10b5 | 0x10daULL << 32,
	     .words = {0x10f6, 16, [8] = 0xb1});
	TELL_FREE("clReleaseMemObject", .argument = {0xb1});
	assert_int_equal(live_bytes(), 64);
	TELL_FREE("clReleaseMemObject", .argument = {0xb4});
	assert_int_equal(live_bytes(), 0);
}

static void test_svm_list(void **state)
{
	struct ms_gpu_event event = {.argument = {0, 12}};

	(void)state;
	for (uint64_t i = 1; i <= 12; i++)
		TELL("clSVMAlloc", .argument = {1, 1, 10}, .result = i << 12);
	TELL_FREE("clSVMFree", .argument = {1, 0}); /* of nothing; its result is anything */
	for (uint64_t i = 0; i < 10; i++)
		event.words[i] = (i + 1) << 12;
	tell_free("clEnqueueSVMFree", event);
	/* Only so many can be told: it is counted that there were more. */
	assert_int_equal(live_bytes(), 20);
	assert_int_equal(counts_now().unread, 1);
	TELL_FREE("clSVMFree", .argument = {1, 12 << 12}, .result = 99);
	assert_int_equal(live_bytes(), 10);
}

/* CUgraphNodeParams: type, place, bytes and address; of a node that frees, what. */
static void test_nodes(void **state)
{
	struct ms_gpu_event alloc = {
	    .words = {10, [3] = 1 | 2ULL << 32, [15] = 300, [16] = 0x1000}};
	struct ms_gpu_event other = {.words = {5, [2] = 0x1000, [15] = 77, [16] = 0x2000}};

	(void)state;
	tell("cuGraphAddNode", &alloc);
	assert_int_equal(device_of("cuda:2")->totals.live_bytes, 300);
	tell("cuGraphAddNode_v2", &other);
	assert_int_equal(live(), 1);
	alloc.result = 2;
	tell("cuGraphAddNode", &alloc);
	assert_true(failure.failed);
	assert_int_equal(failure.bytes, 300);
	other.result = 1;
	tell("cuGraphAddNode", &other);
	assert_false(failure.failed);
	TELL("cuGraphAddNode", .words = {11, [2] = 0x1000}, .result = 1);
	assert_int_equal(live(), 1);
	TELL("cuGraphAddNode", .words = {11, [2] = 0x1000});
	assert_int_equal(live(), 0);
	TELL("cuGraphAddNode", .unread = MS_GPU_NO_WORDS);
	assert_int_equal(counts_now().unread, 1);
	TELL("cuGraphAddMemAllocNode", .words = {0, 1 | 1ULL << 32, [13] = 40, [14] = 0x3000});
	assert_int_equal(device_of("cuda:1")->totals.live_bytes, 40);
}

static void test_unread(void **state)
{
	(void)state;
	TELL("cuMemAlloc_v2", .argument = {0, 64}, .unread = MS_GPU_NO_OUT);
	assert_int_equal(live(), 0);
	assert_int_equal(counts_now().unread, 1);
	TELL("cuMemAllocPitch_v2", .out = 0x1000, .argument = {0, 0, 100, 3},
	     .unread = MS_GPU_NO_VALUE);
	assert_int_equal(live(), 1);
	assert_int_equal(live_bytes(), 0);
	assert_int_equal(counts_now().unread, 2);
	TELL("cuCtxGetDevice", .unread = MS_GPU_NO_OUT); /* nothing is lost */
	assert_int_equal(counts_now().unread, 2);
}

static void test_device_names(void **state)
{
	(void)state;
	TELL("zeDeviceGet", .value = 2, .words = {0xd0, 0xd1});
	TELL("zeMemAllocDevice", .out = 0x1000, .argument = {0, 0, 10, 0, 0xd1});
	assert_int_equal(device_of("ze:1")->totals.live_bytes, 10);
	TELL("zeMemAllocShared", .out = 0x2000, .argument = {0, 0, 0, 20});
	assert_int_equal(device_of("managed")->totals.live_bytes, 20);
	TELL("hsa_amd_memory_pool_allocate", .out = 0x1000, .argument = {0xaa, 30});
	TELL("hsa_amd_memory_pool_allocate", .out = 0x2000, .argument = {0xbb, 40});
	TELL("hsa_amd_memory_pool_allocate", .out = 0x3000, .argument = {0xaa, 50});
	assert_int_equal(device_of("hsa-pool:0")->totals.live_bytes, 80);
	assert_int_equal(device_of("hsa-pool:1")->totals.live_bytes, 40);
	TELL_FREE("hsa_amd_memory_pool_free", .argument = {0x1000}); /* not Level Zero's */
	assert_int_equal(device_of("ze:1")->totals.live_bytes, 10);
}

/* Against a model that is too simple to be wrong: one size for each address. */
static void test_random(void **state)
{
	uint64_t sizes[16] = {0}, sum = 0, highest = 0;
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t slot = rand_r(&seed) % COUNT(sizes), address = 0x1000 * (slot + 1);
		uint64_t size = rand_r(&seed) % 1000;

		if (sizes[slot]) {
			begin_free(1, address);
			if (rand_r(&seed) % 4 == 0) {
				end_free(1, address, 1);
				continue;
			}
			sum -= sizes[slot];
			sizes[slot] = 0;
			if (rand_r(&seed) % 4 == 0) {
				TELL("cuMemAllocManaged", .tid = 2, .out = address,
				     .argument = {0, size}, .stack = OTHER_STACK);
				sizes[slot] = size;
				sum += size;
			}
			end_free(1, address, 0);
		} else {
			TELL("cuMemAlloc_v2", .out = address, .argument = {0, size},
			     .stack = 0x100 + size % 5);
			sizes[slot] = size;
			sum += size;
		}
		highest = sum > highest ? sum : highest;
		assert_int_equal(live_bytes(), sum);
		assert_int_equal(gpu_books(gpu)->totals.peak_bytes, highest);
		if (i % 100 == 0)
			check_sums();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_blocks),      TEST(test_results),     TEST(test_handed_out_again),
	    TEST(test_free_unseen), TEST(test_context_end), TEST(test_primary),
	    TEST(test_attached),    TEST(test_physical),    TEST(test_unmap_range),
	    TEST(test_shared),      TEST(test_opencl),      TEST(test_svm_list),
	    TEST(test_nodes),       TEST(test_unread),      TEST(test_device_names),
	    TEST(test_random),
	};

	return cmocka_run_group_tests_name("gpu layer", tests, NULL, NULL);
}
