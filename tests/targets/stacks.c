/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many different stacks: every number is a path of its own through two
 * functions, one level per bit.
 *
 *   stacks BITS DEPTH    2^BITS stacks; DEPTH more frames below each of them
 */
#include <stdlib.h>

#include "ledger.h"

#define BLOCKS (1 << 16)

static struct block blocks[BLOCKS];

static int left(unsigned path, int bits, int depth, struct block *b);
static int right(unsigned path, int bits, int depth, struct block *b);

/* The sums keep the calls from becoming jumps. */
static int onward(unsigned path, int bits, int depth, struct block *b)
{
	if (depth)
		return onward(path, bits, depth - 1, b) + 1;
	if (!bits) {
		ledger_malloc(b, (size_t)(b - blocks) % 1000 + 1);
		return 1;
	}
	return path & 1 ? left(path >> 1, bits - 1, 0, b) + 1
			: right(path >> 1, bits - 1, 0, b) + 1;
}

static int left(unsigned path, int bits, int depth, struct block *b)
{
	return onward(path, bits, depth, b) + 2;
}

static int right(unsigned path, int bits, int depth, struct block *b)
{
	return onward(path, bits, depth, b) + 3;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	int bits = atoi(argv[1]), depth = atoi(argv[2]), sum = 0;

	for (int i = 0; i < 1 << bits; i++)
		sum += onward(i, bits, depth, &blocks[i]);
	for (int i = 0; i < 1 << bits; i += 2)
		ledger_free(&blocks[i]);
	ledger_write("stacks");
	return sum == 0;
}
