/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocates and frees without pause until SIGUSR1, then looks at its own
 * blocks and its ledger: nothing that happens to a tracer may harm it.
 *
 *   load [THREADS] [MICROSECONDS]    of rest after each 16 calls (2, 0)
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"

#define BLOCKS 128

static volatile sig_atomic_t stop;
static unsigned rest;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static bool is_whole(const struct block *b)
{
	const unsigned char *bytes = b->address;

	for (size_t i = 0; i < b->size; i++)
		if (bytes[i] != (b->size & 0xff))
			return false;
	return true;
}

static void turn_over(struct block *b, unsigned long random)
{
	if (b->address) {
		if (!is_whole(b))
			ledger_note_damage();
		ledger_free(b);
		return;
	}
	ledger_malloc(b, (random >> 8 & 0x1ff) + 1);
	if (b->address)
		memset(b->address, b->size & 0xff, b->size);
}

static void *work(void *seed)
{
	struct block blocks[BLOCKS] = {0};
	unsigned long random = (unsigned long)seed * 7919 + 1;

	while (!stop) {
		for (int i = 0; i < 16; i++) {
			unsigned long r = ledger_random(&random);
			turn_over(&blocks[r >> 40 & (BLOCKS - 1)], r);
		}
		if (rest)
			usleep(rest);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (blocks[i].address)
			turn_over(&blocks[i], 0);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 2;
	pthread_t threads[16];

	rest = argc > 2 ? atoi(argv[2]) : 0;
	signal(SIGUSR1, on_signal);
	for (long i = 1; i < count && i < 16; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			return 1;
	ledger_signal("ready");
	work((void *)0);
	for (int i = 1; i < count && i < 16; i++)
		pthread_join(threads[i], NULL);
	ledger_write("load");
	return 0;
}
