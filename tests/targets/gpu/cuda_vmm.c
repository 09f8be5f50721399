/* SPDX-License-Identifier: GPL-2.0 */
/* The same double: physical memory by handle, addresses, and what maps one to the other. */
#include "cuda.h"
#include "store.h"

static struct store addresses = STORE_AT(0x600000000000);
static struct store handles = STORE_AT(0x42);
static struct store maps = STORE_AT(0x600000000000);

CUresult cuMemAddressReserve(CUdeviceptr *ptr, size_t size, size_t alignment, CUdeviceptr address,
			     unsigned long long flags)
{
	uint64_t taken = store_take(&addresses, size, -1, NULL);

	(void)alignment;
	(void)address;
	(void)flags;
	if (!taken)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*ptr = taken;
	return CUDA_SUCCESS;
}

CUresult cuMemAddressFree(CUdeviceptr ptr, size_t size)
{
	(void)size;
	return store_give(&addresses, ptr) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size,
		     const CUmemAllocationProp *prop, unsigned long long flags)
{
	int device = prop->location.type == 1 ? prop->location.id : -1;
	uint64_t taken;

	if (flags || !size || size % (2 << 20))
		return CUDA_ERROR_INVALID_VALUE;
	taken = store_take(&handles, size, device, NULL);
	if (!taken)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*handle = taken;
	return CUDA_SUCCESS;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *os, int type)
{
	uint64_t taken = os && type == 1 ? store_take(&handles, 1, -1, NULL) : 0;

	if (!taken)
		return CUDA_ERROR_INVALID_VALUE;
	*handle = taken;
	return CUDA_SUCCESS;
}

CUresult cuMulticastCreate(CUmemGenericAllocationHandle *handle, const CUmulticastObjectProp *prop)
{
	uint64_t taken = prop->numDevices ? store_take(&handles, prop->size, -1, NULL) : 0;

	if (!taken)
		return CUDA_ERROR_INVALID_VALUE;
	*handle = taken;
	return CUDA_SUCCESS;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle)
{
	return store_give(&handles, handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* One mapping for each reservation: it begins where that does. */
CUresult cuMemMap(CUdeviceptr ptr, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
		  unsigned long long flags)
{
	struct store_block *physical = store_find(&handles, handle);
	struct store_block *reserved = store_find(&addresses, ptr), *map;
	size_t slot = (ptr - addresses.base) / STORE_STRIDE;

	(void)flags;
	if (!physical || !reserved || offset || size > physical->size)
		return CUDA_ERROR_INVALID_VALUE;
	map = &maps.blocks[slot];
	if (map->live)
		return CUDA_ERROR_INVALID_VALUE;
	*map = (struct store_block){.store = &maps, .size = size, .live = true, .of = physical};
	store_use(physical);
	return CUDA_SUCCESS;
}

CUresult cuMemUnmap(CUdeviceptr ptr, size_t size)
{
	struct store_block *map = store_find(&maps, ptr);

	if (!map || map->size != size)
		return CUDA_ERROR_INVALID_VALUE;
	map->live = false;
	store_unuse(map->of);
	return CUDA_SUCCESS;
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *address)
{
	struct store_block *map = store_find(&maps, (uintptr_t)address);

	if (!map || (uintptr_t)address % STORE_STRIDE >= map->size)
		return CUDA_ERROR_INVALID_VALUE;
	map->of->references++;
	*handle = handles.base + (uint64_t)(map->of - handles.blocks) * STORE_STRIDE;
	return CUDA_SUCCESS;
}
