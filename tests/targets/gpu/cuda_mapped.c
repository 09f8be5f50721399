/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CUDA's memory by handle: what is physical is there until neither a reference nor a mapping
 * is left; addresses are no memory.
 *
 *   cuda_mapped         on the doubles' two devices
 *   cuda_mapped card    on one, with what a real driver can be asked for
 */
#include "cuda.h"
#include "tally.h"

static const char *second = CUDA1;
static int second_id = 1;

#define MIB (1ULL << 20)
#define HUGE (1ULL << 40)

static CUmemGenericAllocationHandle create(const char *device, int type, int id, size_t size)
{
	CUmemAllocationProp prop = {.type = 1, .location = {type, id}};
	CUmemGenericAllocationHandle handle = 0;

	tally_made(device, cuMemCreate(&handle, size, &prop, 0), size);
	return handle;
}

static CUdeviceptr reserve(void)
{
	CUdeviceptr ptr = 0;

	tally_expect(cuMemAddressReserve(&ptr, 64 * MIB, 0, 0, 0), 0, "addresses");
	return ptr;
}

/* As PyTorch's expandable segments do: created, mapped, the handle let go, later unmapped. */
static void try_segment(void)
{
	CUmemGenericAllocationHandle handle = create(second, 1, second_id, 20 * MIB);
	CUdeviceptr ptr = reserve();

	tally_expect(cuMemMap(ptr, 20 * MIB, 0, handle, 0), 0, "map");
	tally_expect(cuMemRelease(handle), 0, "release");
	/* The handle may be another's now. */
	handle = create(second, 1, second_id, 2 * MIB);
	if (second_id)
		tally_expect(cuMemUnmap(ptr, 10 * MIB), CUDA_ERROR_INVALID_VALUE,
			     "unmap of a part");
	tally_expect(cuMemUnmap(ptr, 20 * MIB), 0, "unmap");
	tally_freed(second, 0, 20 * MIB);
	tally_expect(cuMemUnmap(ptr, 20 * MIB), CUDA_ERROR_INVALID_VALUE, "unmap again");
	tally_freed(second, cuMemRelease(handle), 2 * MIB);
	tally_freed(second, cuMemRelease(handle), 2 * MIB);
	tally_expect(cuMemAddressFree(ptr, 64 * MIB), 0, "addresses");
}

static void try_references(void)
{
	CUmemGenericAllocationHandle handle = create(CUDA0, 1, 0, 6 * MIB), same = 0;
	CUdeviceptr one = reserve(), two = reserve();

	tally_expect(cuMemMap(one, 6 * MIB, 0, handle, 0), 0, "map");
	tally_expect(cuMemMap(two, 4 * MIB, 0, handle, 0), 0, "map again");
	tally_expect(cuMemRetainAllocationHandle(&same, (char *)one + 12345), 0, "retain");
	tally_expect(cuMemRelease(handle), 0, "release");
	tally_expect(cuMemUnmap(one, 6 * MIB), 0, "unmap");
	tally_expect(cuMemUnmap(two, 4 * MIB), 0, "unmap");
	/* The reference that was asked for holds it. */
	tally_freed(CUDA0, cuMemRelease(same), 6 * MIB);
	/* Let go of, and had again from the address. */
	handle = create(CUDA0, 1, 0, 8 * MIB);
	tally_expect(cuMemMap(one, 8 * MIB, 0, handle, 0), 0, "map");
	tally_expect(cuMemRelease(handle), 0, "release");
	tally_expect(cuMemRetainAllocationHandle(&same, (void *)one), 0, "retain");
	tally_expect(cuMemUnmap(one, 8 * MIB), 0, "unmap");
	tally_freed(CUDA0, cuMemRelease(same), 8 * MIB);
}

/* As NCCL does: one object for the memory of several, mapped as memory is. */
static void try_multicast(void)
{
	CUmulticastObjectProp prop = {.numDevices = 2, .size = 32 * MIB}, none = {.size = MIB};
	CUmemGenericAllocationHandle object = 0, other = 0, memory = create(CUDA0, 1, 0, 32 * MIB);
	CUdeviceptr one = reserve(), all = reserve();

	tally_shared(MULTICAST, cuMulticastCreate(&object, &prop), 32 * MIB);
	tally_shared(MULTICAST, cuMulticastCreate(&other, &none), MIB);
	tally_expect(cuMemMap(one, 32 * MIB, 0, memory, 0), 0, "map");
	tally_expect(cuMemMap(all, 32 * MIB, 0, object, 0), 0, "map");
	tally_expect(cuMemRelease(object), 0, "release");
	tally_expect(cuMemUnmap(all, 32 * MIB), 0, "unmap");
	tally_unshared(MULTICAST, 0, 32 * MIB);
	tally_expect(cuMemUnmap(one, 32 * MIB), 0, "unmap");
	tally_freed(CUDA0, cuMemRelease(memory), 32 * MIB);
}

/* Of another process's memory, and of places that not each driver knows. */
static void try_others(void)
{
	CUmemGenericAllocationHandle handle = 0;

	create(PINNED, 2, 0, 4 * MIB); /* CU_MEM_LOCATION_TYPE_HOST */
	tally_shared(IMPORTED, cuMemImportFromShareableHandle(&handle, &handle, 1), 0);
	tally_unshared(IMPORTED, cuMemRelease(handle), 0);
}

int main(int argc, char **argv)
{
	int is_card = argc > 1 && argv[1][0] == 'c';
	CUcontext ctx;

	if (is_card) {
		second = CUDA0;
		second_id = 0;
	}
	tally_expect(cuInit(0), 0, "init");
	tally_expect(cuCtxCreate_v2(&ctx, 0, 0), 0, "a context");
	try_segment();
	try_references();
	create(CUDA0, 1, 0, HUGE);
	create(CUDA0, 1, 0, 12345); /* not of whole pages */
	if (!is_card) {
		try_multicast();
		try_others();
	}
	create(CUDA0, 1, 0, 2 * MIB);
	tally_expect(cuCtxDestroy_v2(ctx), 0, "its end, which physical memory outlives");
	tally_write("cuda");
	return 0;
}
