/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger of a program on the double of an arena: what it asked for, left as JSON, in the form
 * of those in tests/targets/torch, in $LEDGER/blocks.PID.
 */
#ifndef ARENA_LEDGER_HPP
#define ARENA_LEDGER_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <unistd.h>

class Ledger
{
	std::map<void *, uint64_t> blocks;
	uint64_t allocs = 0, alloc_bytes = 0, frees = 0, freed_bytes = 0, live = 0, peak = 0;

      public:
	uint64_t failed = 0, unknown_frees = 0;

	void *took(void *ptr, uint64_t bytes)
	{
		if (!ptr)
			return ptr;
		allocs++;
		alloc_bytes += bytes;
		live += bytes;
		if (live > peak)
			peak = live;
		if (!blocks.emplace(ptr, bytes).second)
			abort(); /* the double gave out a block twice */
		return ptr;
	}

	/* Before it is given back. */
	void *gives(void *ptr)
	{
		auto block = blocks.find(ptr);

		if (!ptr)
			return ptr;
		frees++;
		freed_bytes += block->second;
		live -= block->second;
		blocks.erase(block);
		return ptr;
	}

	void leave() const
	{
		std::string path =
		    std::string(getenv("LEDGER")) + "/blocks." + std::to_string(getpid());
		FILE *out = fopen(path.c_str(), "w");

		if (!out)
			abort();
		fprintf(out,
			"{\"pid\":%d,\"sum\":{\"allocs\":%lu,\"alloc_bytes\":%lu,\"frees\":%lu,"
			"\"freed_bytes\":%lu,\"live\":%lu,\"live_bytes\":%lu,\"peak_bytes\":%lu,"
			"\"failed\":%lu,\"unknown_frees\":%lu},\"devices\":{},\"blocks\":[]}\n",
			getpid(), allocs, alloc_bytes, frees, freed_bytes, allocs - frees, live,
			peak, failed, unknown_frees);
		if (fclose(out))
			abort();
	}
};

#endif
