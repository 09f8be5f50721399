/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread, a random but fixed sequence that climbs and falls many times:
 * its peak is known exactly.  The libc allocates nothing meanwhile, so the
 * process's total is the ledger's plus a constant and peaks at the same call.
 *
 *   scripted SEED OPERATIONS [HELD]    HELD blocks are still live at the end (0)
 */
#include <stdlib.h>

#include "ledger.h"

#define BLOCKS 512

static struct block blocks[BLOCKS];

/* Grows in the first half of each round, shrinks in the second. */
static void step(unsigned long random, bool grow)
{
	struct block *b = &blocks[random >> 30 & (BLOCKS - 1)];
	size_t size = (random >> 8 & 0x3fff) + 1;

	if (!b->address) {
		if (grow || (random & 7) == 0)
			ledger_malloc(b, size);
	} else if ((random & 3) == 0) {
		ledger_realloc(b, size);
	} else if (!grow || (random & 7) == 1) {
		ledger_free(b);
	}
}

/* A second way to the same functions: more than one stack has a share of the peak. */
static void step_elsewhere(unsigned long random, bool grow)
{
	step(random, grow);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	unsigned long random = strtoul(argv[1], NULL, 10) * 2654435761UL + 1;
	unsigned long operations = strtoul(argv[2], NULL, 10);
	int held = argc > 3 ? atoi(argv[3]) : 0;

	for (unsigned long i = 0; i < operations; i++) {
		unsigned long r = ledger_random(&random);
		bool grow = i % 2000 < 1000;

		if (r >> 60 & 1)
			step_elsewhere(r, grow);
		else
			step(r, grow);
	}
	for (int i = held; i < BLOCKS; i++)
		if (blocks[i].address)
			ledger_free(&blocks[i]);
	for (int i = 0; i < held; i++)
		if (!blocks[i].address)
			ledger_malloc(&blocks[i], 1000 + i);
	ledger_write("scripted");
	return 0;
}
