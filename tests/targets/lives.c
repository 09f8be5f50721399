/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grows by 64 KiB steps for a given time.
 *
 *   lives MILLISECONDS
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"

static struct block blocks[1 << 16];

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	long end = now_ms() + (argc > 1 ? atol(argv[1]) : 300);
	struct timespec pause = {.tv_nsec = 1000000};
	size_t i = 0;

	ledger_signal("ready");
	while (now_ms() < end && i < sizeof(blocks) / sizeof(blocks[0])) {
		ledger_malloc(&blocks[i], 64 << 10);
		memset(blocks[i].address, 1, blocks[i].size);
		i++;
		nanosleep(&pause, NULL);
	}
	ledger_write("lives");
	return 0;
}
