/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the double of libtensorflow_framework.so.2 has of TensorFlow's interface.  SPACE is the
 * namespace that its arena is in: tensorflow, and tsl from 2.9 on.
 */
#ifndef ARENA_TENSORFLOW_HPP
#define ARENA_TENSORFLOW_HPP

#include <vector>

#include "chunks.hpp"

namespace SPACE
{

struct AllocationAttributes {
	bool retry_on_failure = true;
};

class Allocator
{
      public:
	virtual ~Allocator() = default;
	virtual void *AllocateRaw(size_t alignment, size_t num_bytes) = 0;
	virtual void *AllocateRaw(size_t alignment, size_t num_bytes,
				  const AllocationAttributes &attributes) = 0;
	virtual void DeallocateRaw(void *ptr) = 0;
};

class BFCAllocator : public Allocator
{
	Chunks chunks;
	std::vector<void *> regions;
	size_t limit, taken = 0;

	bool Extend(size_t bytes);

      public:
	explicit BFCAllocator(size_t memory_limit) : limit(memory_limit)
	{
	}
	~BFCAllocator() override;
	/* The one calls the other. */
	void *AllocateRaw(size_t alignment, size_t num_bytes) override;
	void *AllocateRaw(size_t alignment, size_t num_bytes,
			  const AllocationAttributes &attributes) override;
	void DeallocateRaw(void *ptr) override;
};

} // namespace SPACE

#endif
