/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program on the double of ONNX Runtime's arena: blocks with and without one, reserved ones, a
 * call that throws.  The end of an arena frees its regions, which were no blocks of their own.
 */
#include "arena_ledger.hpp"
#include "onnxruntime.hpp"

using namespace onnxruntime;

static Ledger ledger;

static void *take(IAllocator &from, size_t bytes)
{
	return ledger.took(from.Alloc(bytes), bytes);
}

static void give(IAllocator &to, void *ptr)
{
	to.Free(ledger.gives(ptr));
}

static void refused(IAllocator &from, size_t bytes)
{
	try {
		from.Alloc(bytes);
	} catch (const std::exception &) {
		ledger.failed++;
		return;
	}
	abort();
}

static void run(IAllocator &arena)
{
	void *weights = ledger.took(arena.Reserve(3 << 20), 3 << 20);
	void *blocks[100];

	ledger.took(arena.Reserve(5000), 5000);
	for (size_t i = 0; i < 100; i++)
		blocks[i] = take(arena, i * 1777); /* the first is none */
	for (size_t i = 0; i < 100; i += 2)
		give(arena, blocks[i]);
	give(arena, take(arena, 40 << 20));
	give(arena, weights);
	refused(arena, 1 << 30);
	take(arena, 12345);
}

/* The last block that goes is not where a region begins: the region's own free is another's. */
static void begin_and_end()
{
	BFCArena arena(std::make_unique<CPUAllocator>(), 256 << 20);
	void *first = take(arena, 1000), *second = take(arena, 2000), *large = take(arena, 5 << 20);

	give(arena, first);
	give(arena, large);
	give(arena, second);
	ledger.unknown_frees += arena.Regions();
}

int main()
{
	CPUAllocator plain;
	BFCArena arena(std::make_unique<CPUAllocator>(), 256 << 20);
	void *block = take(plain, 777);

	run(arena);
	take(plain, 888);
	give(plain, block);
	give(plain, nullptr);
	begin_and_end();
	ledger.leave();
	_exit(0); /* what is held stays so */
}
