/* SPDX-License-Identifier: GPL-2.0 */
/* The same double: physical memory by handle, addresses, and what maps one to the other. */
#include "cuda.h"
#include "store.h"

static struct store addresses = STORE_AT(0x600000000000);
static struct store handles = STORE_AT(0x42);

/* What is mapped, anywhere in a reservation. */
static struct mapping {
	uint64_t address, size;
	struct store_block *of; /* NULL: none */
} maps[STORE_SLOTS];
static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;

/* The one that holds an address; NULL: none.  The lock is held. */
static struct mapping *map_at(uint64_t address)
{
	for (struct mapping *m = maps; m < maps + STORE_SLOTS; m++)
		if (m->of && address - m->address < m->size)
			return m;
	return NULL;
}

/* Puts one where there is none.  The lock is held. */
static bool map_put(uint64_t address, uint64_t size, struct store_block *of)
{
	struct mapping *unused = NULL;

	for (struct mapping *m = maps; m < maps + STORE_SLOTS; m++) {
		if (!m->of)
			unused = unused ? unused : m;
		else if (m->address < address + size && address < m->address + m->size)
			return false;
	}
	if (unused)
		*unused = (struct mapping){address, size, of};
	return unused != NULL;
}

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

CUresult cuMemMap(CUdeviceptr ptr, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
		  unsigned long long flags)
{
	struct store_block *physical = store_find(&handles, handle);
	struct store_block *reserved = store_find(&addresses, ptr);
	bool good;

	(void)flags;
	if (!physical || !reserved || offset || size > physical->size ||
	    ptr % STORE_STRIDE + size > reserved->size)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&maps_lock);
	good = map_put(ptr, size, physical);
	pthread_mutex_unlock(&maps_lock);
	if (!good)
		return CUDA_ERROR_INVALID_VALUE;
	store_use(physical);
	return CUDA_SUCCESS;
}

CUresult cuMemUnmap(CUdeviceptr ptr, size_t size)
{
	struct store_block *of = NULL;
	struct mapping *map;

	pthread_mutex_lock(&maps_lock);
	map = map_at(ptr);
	if (map && map->address == ptr && map->size == size) {
		of = map->of;
		map->of = NULL;
	}
	pthread_mutex_unlock(&maps_lock);
	if (!of)
		return CUDA_ERROR_INVALID_VALUE;
	store_unuse(of);
	return CUDA_SUCCESS;
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *address)
{
	struct store_block *of;
	struct mapping *map;

	pthread_mutex_lock(&maps_lock);
	map = map_at((uintptr_t)address);
	of = map ? map->of : NULL;
	if (of)
		of->references++;
	pthread_mutex_unlock(&maps_lock);
	if (!of)
		return CUDA_ERROR_INVALID_VALUE;
	*handle = handles.base + (uint64_t)(of - handles.blocks) * STORE_STRIDE;
	return CUDA_SUCCESS;
}
