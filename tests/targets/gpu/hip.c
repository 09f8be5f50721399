/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libamdhip64: its calls end in HSA. */
#include "hsa.h"

int hipMalloc(void **ptr, size_t size)
{
	return hsa_amd_memory_pool_allocate(POOL(0), size, 0, ptr) ? 2 : 0;
}

int hipHostMalloc(void **ptr, size_t size, unsigned flags)
{
	(void)flags;
	return hsa_amd_memory_pool_allocate(POOL(2), size, 0, ptr) ? 2 : 0;
}

int hipFree(void *ptr)
{
	return hsa_amd_memory_pool_free(ptr) ? 1 : 0;
}
