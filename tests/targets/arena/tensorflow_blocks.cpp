/* SPDX-License-Identifier: GPL-2.0 */
/* A program on the double of TensorFlow's arena: blocks of one region and of many, reused. */
#include "arena_ledger.hpp"
#include "tensorflow.hpp"

static Ledger ledger;

static void *take(SPACE::Allocator &arena, size_t bytes)
{
	return ledger.took(arena.AllocateRaw(64, bytes), bytes);
}

static void give(SPACE::Allocator &arena, void *ptr)
{
	arena.DeallocateRaw(ledger.gives(ptr));
}

int main()
{
	SPACE::BFCAllocator arena(256 << 20);
	SPACE::AllocationAttributes once{false};
	void *blocks[100];

	for (size_t i = 0; i < 100; i++)
		blocks[i] = take(arena, i * 1777); /* the first is none */
	for (size_t i = 0; i < 100; i += 2)
		give(arena, blocks[i]);
	give(arena, take(arena, 40 << 20));
	ledger.took(arena.AllocateRaw(64, 12345, once), 12345);
	if (take(arena, 1 << 30))
		abort();
	ledger.failed++;
	ledger.leave();
	return 0;
}
