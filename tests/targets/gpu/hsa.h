/* SPDX-License-Identifier: GPL-2.0 */
/* What the doubles of HSA and HIP have of the public interfaces. */
#ifndef HSA_DOUBLE_H
#define HSA_DOUBLE_H

#include <stddef.h>
#include <stdint.h>

typedef int hsa_status_t;
typedef struct {
	uint64_t handle;
} hsa_amd_memory_pool_t, hsa_region_t, hsa_amd_vmem_alloc_handle_t;

enum {
	HSA_STATUS_SUCCESS = 0,
	HSA_STATUS_ERROR_INVALID_ARGUMENT = 0x1001,
	HSA_STATUS_ERROR_INVALID_ALLOCATION = 0x1003,
	HSA_STATUS_ERROR_OUT_OF_RESOURCES = 0x1008,
};

/* The pools of the double, by number: one for each device, the host's last. */
#define POOL(number) ((hsa_amd_memory_pool_t){0x5000 + (number)})

hsa_status_t hsa_amd_memory_pool_allocate(hsa_amd_memory_pool_t pool, size_t size, uint32_t flags,
					  void **ptr);
hsa_status_t hsa_amd_memory_pool_free(void *ptr);
hsa_status_t hsa_memory_allocate(hsa_region_t region, size_t size, void **ptr);
hsa_status_t hsa_memory_free(void *ptr);
hsa_status_t hsa_amd_memory_lock(void *host, size_t size, void *agents, int count, void **agent);
hsa_status_t hsa_amd_memory_unlock(void *host);
hsa_status_t hsa_memory_register(void *host, size_t size);
hsa_status_t hsa_memory_deregister(void *host, size_t size);
hsa_status_t hsa_amd_ipc_memory_attach(const void *handle, size_t size, uint32_t count,
				       const void *agents, void **ptr);
hsa_status_t hsa_amd_ipc_memory_detach(void *ptr);
hsa_status_t hsa_amd_interop_map_buffer(uint32_t count, void *agents, int fd, uint32_t flags,
					size_t *size, void **ptr, size_t *metadata_size,
					const void **metadata);
hsa_status_t hsa_amd_interop_unmap_buffer(void *ptr);
hsa_status_t hsa_amd_vmem_handle_create(hsa_amd_memory_pool_t pool, size_t size, int type,
					uint64_t flags, hsa_amd_vmem_alloc_handle_t *handle);
hsa_status_t hsa_amd_vmem_handle_release(hsa_amd_vmem_alloc_handle_t handle);
hsa_status_t hsa_amd_vmem_map(void *va, size_t size, size_t offset,
			      hsa_amd_vmem_alloc_handle_t handle, uint64_t flags);
hsa_status_t hsa_amd_vmem_unmap(void *va, size_t size);

int hipMalloc(void **ptr, size_t size);
int hipHostMalloc(void **ptr, size_t size, unsigned flags);
int hipFree(void *ptr);

#endif
