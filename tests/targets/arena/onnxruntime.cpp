/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libonnxruntime.so: its arena, which throws where it has no memory. */
#include "onnxruntime.hpp"

#include <cstdlib>
#include <stdexcept>

namespace onnxruntime
{

void *CPUAllocator::Alloc(size_t size)
{
	void *p = nullptr;

	if (!size)
		return nullptr;
	if (posix_memalign(&p, 64, size))
		throw std::bad_alloc();
	return p;
}

void CPUAllocator::Free(void *p)
{
	free(p);
}

void *CPUAllocator::Reserve(size_t size)
{
	return Alloc(size);
}

void BFCArena::Extend(size_t bytes)
{
	size_t size = chunks.region_for(bytes);
	void *region;

	if (size > limit - taken)
		throw std::runtime_error("no memory");
	region = device->Alloc(size);
	taken += size;
	regions.push_back(region);
	chunks.add_region(region, size);
}

BFCArena::~BFCArena()
{
	for (void *region : regions)
		device->Free(region);
	for (void *p : reserved)
		device->Free(p);
}

void *BFCArena::Alloc(size_t size)
{
	void *p;

	if (!size)
		return nullptr;
	p = chunks.take(size);
	if (p)
		return p;
	Extend(size);
	return chunks.take(size);
}

void *BFCArena::Reserve(size_t size)
{
	void *p = size ? device->Alloc(size) : nullptr;

	if (p)
		reserved.insert(p);
	return p;
}

void BFCArena::Free(void *p)
{
	if (!p)
		return;
	if (reserved.erase(p))
		device->Free(p);
	else
		chunks.give(p);
}

size_t BFCArena::Regions() const
{
	return regions.size();
}

} // namespace onnxruntime
