/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BSD's reallocf(): when it fails, the block is free.
 *
 *   reallocf GROWN FAILED    so many calls that succeed, and that fail; the blocks
 *                            that grew stay
 */
#include <stdint.h>
#include <stdlib.h>

void *reallocf(void *block, size_t size);

void *reallocf(void *block, size_t size)
{
	void *grown = realloc(block, size);

	if (!grown && size)
		free(block);
	return grown;
}

static void *volatile keep;

static void grow(int calls)
{
	for (int i = 0; i < calls; i++)
		keep = reallocf(malloc(100), 1000);
}

static void fail(int calls)
{
	for (int i = 0; i < calls; i++)
		keep = reallocf(malloc(100), SIZE_MAX / 2);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	grow(atoi(argv[1]));
	fail(atoi(argv[2]));
	return 0;
}
