/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libhsa-runtime64.so.1: pools, and memory by handle. */
#include "hsa.h"
#include "store.h"

static struct store pointers = STORE_AT(0x7e0000000000);
static struct store handles = STORE_AT(0x9000);

static int device_of(uint64_t pool)
{
	uint64_t number = pool - POOL(0).handle;

	return number < STORE_DEVICES ? (int)number : -1;
}

static hsa_status_t take(struct store *s, uint64_t pool, size_t size, uint64_t *out)
{
	uint64_t address;

	if (!size)
		return HSA_STATUS_ERROR_INVALID_ARGUMENT;
	address = store_take(s, size, device_of(pool), NULL);
	if (!address)
		return HSA_STATUS_ERROR_OUT_OF_RESOURCES;
	*out = address;
	return HSA_STATUS_SUCCESS;
}

static hsa_status_t give(struct store *s, uint64_t address)
{
	return store_give(s, address) ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INVALID_ALLOCATION;
}

hsa_status_t hsa_amd_memory_pool_allocate(hsa_amd_memory_pool_t pool, size_t size, uint32_t flags,
					  void **ptr)
{
	(void)flags;
	return take(&pointers, pool.handle, size, (uint64_t *)ptr);
}

hsa_status_t hsa_amd_memory_pool_free(void *ptr)
{
	return ptr ? give(&pointers, (uintptr_t)ptr) : HSA_STATUS_SUCCESS;
}

/* As the runtime does: one is the other. */
hsa_status_t hsa_memory_allocate(hsa_region_t region, size_t size, void **ptr)
{
	return hsa_amd_memory_pool_allocate((hsa_amd_memory_pool_t){region.handle}, size, 0, ptr);
}

hsa_status_t hsa_memory_free(void *ptr)
{
	return hsa_amd_memory_pool_free(ptr);
}

hsa_status_t hsa_amd_memory_lock(void *host, size_t size, void *agents, int count, void **agent)
{
	(void)agents;
	(void)count;
	if (!size)
		return HSA_STATUS_ERROR_INVALID_ARGUMENT;
	*agent = host;
	return HSA_STATUS_SUCCESS;
}

hsa_status_t hsa_amd_memory_unlock(void *host)
{
	return host ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INVALID_ARGUMENT;
}

hsa_status_t hsa_memory_register(void *host, size_t size)
{
	return host && size ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INVALID_ARGUMENT;
}

hsa_status_t hsa_memory_deregister(void *host, size_t size)
{
	return hsa_memory_register(host, size);
}

hsa_status_t hsa_amd_ipc_memory_attach(const void *handle, size_t size, uint32_t count,
				       const void *agents, void **ptr)
{
	(void)count;
	(void)agents;
	return handle ? take(&pointers, 0, size, (uint64_t *)ptr)
		      : HSA_STATUS_ERROR_INVALID_ARGUMENT;
}

hsa_status_t hsa_amd_ipc_memory_detach(void *ptr)
{
	return give(&pointers, (uintptr_t)ptr);
}

hsa_status_t hsa_amd_interop_map_buffer(uint32_t count, void *agents, int fd, uint32_t flags,
					size_t *size, void **ptr, size_t *metadata_size,
					const void **metadata)
{
	(void)count;
	(void)agents;
	(void)flags;
	(void)metadata_size;
	(void)metadata;
	*size = (size_t)fd * 4096;
	return take(&pointers, 0, *size, (uint64_t *)ptr);
}

hsa_status_t hsa_amd_interop_unmap_buffer(void *ptr)
{
	return give(&pointers, (uintptr_t)ptr);
}

hsa_status_t hsa_amd_vmem_handle_create(hsa_amd_memory_pool_t pool, size_t size, int type,
					uint64_t flags, hsa_amd_vmem_alloc_handle_t *handle)
{
	(void)type;
	(void)flags;
	return take(&handles, pool.handle, size, &handle->handle);
}

hsa_status_t hsa_amd_vmem_handle_release(hsa_amd_vmem_alloc_handle_t handle)
{
	return give(&handles, handle.handle);
}

/* One mapping at a time is enough for the test. */
static struct store_block *mapped;

hsa_status_t hsa_amd_vmem_map(void *va, size_t size, size_t offset,
			      hsa_amd_vmem_alloc_handle_t handle, uint64_t flags)
{
	struct store_block *block = store_find(&handles, handle.handle);

	(void)flags;
	if (!va || !size || offset || !block || mapped)
		return HSA_STATUS_ERROR_INVALID_ARGUMENT;
	mapped = block;
	store_use(block);
	return HSA_STATUS_SUCCESS;
}

hsa_status_t hsa_amd_vmem_unmap(void *va, size_t size)
{
	if (!va || !size || !mapped)
		return HSA_STATUS_ERROR_INVALID_ALLOCATION;
	store_unuse(mapped);
	mapped = NULL;
	return HSA_STATUS_SUCCESS;
}
