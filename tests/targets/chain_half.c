/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames of every layout, to be compiled apart: with frame pointers among files
 * without, or without unwind tables.
 */
#include "chain_parts.h"

#include <alloca.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

FN void half_plain(callback *next)
{
	ENTER();
	next();
	LEAVE();
}

/* The distance from the stack pointer to the return address is not known when compiling. */
FN void half_alloca(callback *next, size_t bytes)
{
	char *memory = alloca(bytes);
	char array[bytes % 77 + 1];

	ENTER();
	USE(memory);
	USE(array);
	next();
	LEAVE();
}

/*
 * A realigned stack: the caller's is found through a saved pointer (DRAP) or RBP.
 * A frame pointer without rows does not say by how much it was realigned.
 */
#ifdef CHAIN_NO_ROWS
#define ALIGNMENT 16
#else
#define ALIGNMENT 64
#endif

FN void half_aligned(callback *next)
{
	alignas(ALIGNMENT) char memory[128];
	char *more = alloca((uintptr_t)memory % 64 + 40);

	ENTER();
	USE(memory);
	USE(more);
	next();
	LEAVE();
}

/* More values live across the call than there are registers that survive one. */
FN void half_pressure(callback *next)
{
	volatile long source[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	long a = source[0], b = source[1], c = source[2], d = source[3];
	long e = source[4], f = source[5], g = source[6], h = source[7];

	ENTER();
	next();
	source[0] = a * 3 + b * 5 + c * 7 + d * 11;
	source[1] = e * 3 + f * 5 + g * 7 + h * 11;
	LEAVE();
}

FN long half_pong(int depth, long (*ping)(int depth))
{
	long sum;

	ENTER();
	sum = ping(depth - 1) + 1;
	LEAVE();
	return sum;
}
