/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libtensorflow_framework.so.2: its arena, which says NULL where it has no memory. */
#include <cstdlib>

#include "tensorflow.hpp"

namespace SPACE
{

bool BFCAllocator::Extend(size_t bytes)
{
	size_t size = chunks.region_for(bytes);
	void *region = nullptr;

	if (size > limit - taken || posix_memalign(&region, 64, size))
		return false;
	taken += size;
	regions.push_back(region);
	chunks.add_region(region, size);
	return true;
}

BFCAllocator::~BFCAllocator()
{
	for (void *region : regions)
		free(region);
}

void *BFCAllocator::AllocateRaw(size_t alignment, size_t num_bytes)
{
	return AllocateRaw(alignment, num_bytes, AllocationAttributes());
}

void *BFCAllocator::AllocateRaw(size_t, size_t num_bytes, const AllocationAttributes &)
{
	void *ptr;

	if (!num_bytes)
		return nullptr;
	ptr = chunks.take(num_bytes);
	if (!ptr && Extend(num_bytes))
		ptr = chunks.take(num_bytes);
	return ptr;
}

void BFCAllocator::DeallocateRaw(void *ptr)
{
	if (ptr)
		chunks.give(ptr);
}

} // namespace SPACE
