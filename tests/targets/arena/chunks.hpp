/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the doubles of TensorFlow's and ONNX Runtime's arenas have in common: sizes rounded up to
 * 256 bytes, cut by best fit out of regions that double in size, merged again when they are free.
 */
#ifndef ARENA_CHUNKS_HPP
#define ARENA_CHUNKS_HPP

#include <cstddef>
#include <cstdint>
#include <map>

class Chunks
{
	static constexpr size_t round = 256;
	struct Chunk {
		size_t size;
		bool live, first; /* of its region */
	};
	std::map<uintptr_t, Chunk> chunks;
	size_t next_region = 1 << 20;

      public:
	static size_t rounded(size_t bytes)
	{
		return (bytes + round - 1) / round * round;
	}

	/* How large a region must be for a block that no free chunk has room for. */
	size_t region_for(size_t bytes)
	{
		while (next_region < rounded(bytes))
			next_region *= 2;
		size_t size = next_region;
		next_region *= 2;
		return size;
	}

	void add_region(void *address, size_t size)
	{
		chunks[reinterpret_cast<uintptr_t>(address)] = {size, false, true};
	}

	/* NULL: no free chunk has room for it. */
	void *take(size_t bytes)
	{
		size_t size = rounded(bytes);
		auto best = chunks.end();

		for (auto i = chunks.begin(); i != chunks.end(); i++)
			if (!i->second.live && i->second.size >= size &&
			    (best == chunks.end() || i->second.size < best->second.size))
				best = i;
		if (best == chunks.end())
			return nullptr;
		if (best->second.size > size)
			chunks[best->first + size] = {best->second.size - size, false, false};
		best->second.size = size;
		best->second.live = true;
		return reinterpret_cast<void *>(best->first);
	}

	void give(void *address)
	{
		auto chunk = chunks.find(reinterpret_cast<uintptr_t>(address));

		chunk->second.live = false;
		if (chunk != chunks.begin() && !chunk->second.first) {
			auto before = chunk;
			if (!(--before)->second.live)
				chunk = before;
		}
		for (auto next = chunk;
		     ++next != chunks.end() && !next->second.live && !next->second.first;
		     next = chunk) {
			chunk->second.size += next->second.size;
			chunks.erase(next);
		}
	}
};

#endif
