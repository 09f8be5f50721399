/* SPDX-License-Identifier: GPL-2.0 */
/* HIP's calls, which end in HSA's, and HSA's own. */
#include "hsa.h"
#include "tally.h"

#define HUGE (1ULL << 40)
/* memsnoop numbers pools in the order of their first use. */
#define FIRST "hsa-pool:0"
#define SECOND "hsa-pool:1"
#define THIRD "hsa-pool:2"

static void try_hip(void)
{
	void *a = 0, *b = 0, *none = (void *)0x1000;

	tally_made(FIRST, hipMalloc(&a, 1000), 1000);
	tally_made(SECOND, hipHostMalloc(&b, 2000, 0), 2000);
	tally_made(FIRST, hipMalloc(&none, HUGE), HUGE);
	tally_freed(FIRST, hipFree(a), 1000);
	tally_expect(hipFree(a), 1, "a second free");
	tally_expect(hipFree(0), 0, "a free of nothing");
	tally_made(FIRST, hipMalloc(&a, 3000), 3000);
}

static void try_hsa(void)
{
	static char host[4096];
	void *a, *agent;
	size_t size;

	tally_made(THIRD, hsa_amd_memory_pool_allocate(POOL(1), 500, 0, &a), 500);
	tally_freed(THIRD, hsa_memory_free(a), 500);
	tally_made(FIRST, hsa_memory_allocate((hsa_region_t){POOL(0).handle}, 600, &a), 600);
	tally_freed(FIRST, hsa_amd_memory_pool_free((char *)a + 1), 600);
	tally_freed(FIRST, hsa_amd_memory_pool_free(a), 600);
	tally_made(FIRST, hsa_amd_memory_pool_allocate(POOL(0), 0, 0, &a), 0);
	tally_shared(REGISTERED, hsa_amd_memory_lock(host, sizeof(host), 0, 0, &agent),
		     sizeof(host));
	tally_unshared(REGISTERED, hsa_amd_memory_unlock(host), sizeof(host));
	tally_shared(REGISTERED, hsa_memory_register(host, 1000), 1000);
	tally_shared(REGISTERED, hsa_memory_register(host, 0), 0);
	tally_unshared(REGISTERED, hsa_memory_deregister(host, 1000), 1000);
	tally_shared(IMPORTED, hsa_amd_ipc_memory_attach(host, 700, 0, 0, &a), 700);
	tally_unshared(IMPORTED, hsa_amd_ipc_memory_detach(a), 700);
	tally_shared(IMPORTED, hsa_amd_interop_map_buffer(0, 0, 3, 0, &size, &a, 0, 0), 3 * 4096);
	tally_shared(IMPORTED, hsa_amd_interop_map_buffer(0, 0, 2, 0, &size, &agent, 0, 0),
		     2 * 4096);
	tally_unshared(IMPORTED, hsa_amd_interop_unmap_buffer(a), 3 * 4096);
}

static void try_mapped(void)
{
	hsa_amd_vmem_alloc_handle_t handle, other;
	void *va = (void *)0x100000;

	tally_made(FIRST, hsa_amd_vmem_handle_create(POOL(0), 8192, 0, 0, &handle), 8192);
	tally_expect(hsa_amd_vmem_map(va, 8192, 0, handle, 0), 0, "map");
	tally_expect(hsa_amd_vmem_handle_release(handle), 0, "release");
	tally_made(THIRD, hsa_amd_vmem_handle_create(POOL(1), 4096, 0, 0, &other), 4096);
	tally_freed(FIRST, hsa_amd_vmem_unmap(va, 8192), 8192);
	tally_expect(hsa_amd_vmem_unmap(va, 8192), HSA_STATUS_ERROR_INVALID_ALLOCATION, "again");
}

int main(void)
{
	try_hip();
	try_hsa();
	try_mapped();
	tally_write("hip");
	return 0;
}
