/* SPDX-License-Identifier: GPL-2.0 */
/* What the double of libonnxruntime.so has of ONNX Runtime's interface. */
#ifndef ARENA_ONNXRUNTIME_HPP
#define ARENA_ONNXRUNTIME_HPP

#include <memory>
#include <set>
#include <vector>

#include "chunks.hpp"

namespace onnxruntime
{

class IAllocator
{
      public:
	virtual ~IAllocator() = default;
	virtual void *Alloc(size_t size) = 0;
	virtual void Free(void *p) = 0;
	virtual void *Reserve(size_t size) = 0;
};

/* Without an arena. */
class CPUAllocator : public IAllocator
{
      public:
	void *Alloc(size_t size) override;
	void Free(void *p) override;
	void *Reserve(size_t size) override;
};

/* Its regions, and what is reserved beside them, are blocks of the allocator that it is given. */
class BFCArena : public IAllocator
{
	std::unique_ptr<IAllocator> device;
	Chunks chunks;
	std::vector<void *> regions;
	std::set<void *> reserved;
	size_t limit, taken = 0;

	void Extend(size_t bytes);

      public:
	BFCArena(std::unique_ptr<IAllocator> allocator, size_t memory_limit)
	    : device(std::move(allocator)), limit(memory_limit)
	{
	}
	~BFCArena() override;
	void *Alloc(size_t size) override;
	void Free(void *p) override;
	void *Reserve(size_t size) override;
	size_t Regions() const;
};

} // namespace onnxruntime

#endif
