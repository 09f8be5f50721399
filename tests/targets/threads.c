/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many threads, mixed calls, and blocks that another thread frees.
 *
 *   threads THREADS OPERATIONS    operations of each thread
 *
 * A thread keeps some blocks and hands others over through shared places; it
 * frees what it finds there.  Every block carries a mark that is checked
 * before it is freed.  What lies in the shared places at the end is left.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ledger.h"

#define KEPT 64
#define PLACES 256
#define SPARES (PLACES + 1) /* one in hand, one in every place */

static _Atomic(struct block *) places[PLACES];
static unsigned long operations;

/* The struct itself must not come from the heap that is tested: it lies in a mapping. */
struct thread {
	pthread_t id;
	unsigned long random;
	struct block *spare[SPARES];
	size_t spares;
	struct block pool[SPARES];
};

static void mark(struct block *b)
{
	if (b->address && b->size >= 8)
		memcpy(b->address, &b->size, 8);
}

static void check(struct block *b)
{
	if (b->address && b->size >= 8 && memcmp(b->address, &b->size, 8))
		ledger_note_damage();
}

static void allocate(struct block *b, unsigned long random)
{
	size_t size = random >> 8 & 0x3ff;

	switch (random & 7) {
	case 0:
		ledger_calloc(b, (size & 15) + 1, size >> 4);
		break;
	case 1:
		ledger_posix_memalign(b, 64, size);
		break;
	case 2:
		ledger_aligned_alloc(b, 32, (size + 31) & ~31UL);
		break;
	default:
		ledger_malloc(b, size);
	}
	mark(b);
}

static void release(struct block *b)
{
	check(b);
	ledger_free(b);
}

static void resize(struct block *b, unsigned long random)
{
	check(b);
	/* never to zero: libcs differ, functions.c has that case */
	ledger_realloc(b, (random >> 8 & 0x7ff) + 1);
	mark(b);
}

/*
 * Swaps a block for whatever another thread left and frees that.  The thread
 * never runs out of spares: it loses one only when it fills an empty place.
 */
static void hand_over(struct thread *t, struct block *b, unsigned long random)
{
	struct block *moved = t->spare[--t->spares];

	*moved = *b;
	b->address = NULL;
	struct block *found = atomic_exchange(&places[random >> 20 & (PLACES - 1)], moved);
	if (found) {
		release(found);
		t->spare[t->spares++] = found;
	}
}

static void *work(void *argument)
{
	struct thread *t = argument;
	struct block kept[KEPT] = {0};

	for (unsigned long i = 0; i < operations; i++) {
		unsigned long random = ledger_random(&t->random);
		struct block *b = &kept[random >> 40 & (KEPT - 1)];

		if (!b->address)
			allocate(b, random);
		else if ((random & 3) == 0)
			resize(b, random);
		else if ((random & 3) == 1)
			hand_over(t, b, random);
		else
			release(b);
	}
	for (int i = 0; i < KEPT; i++)
		if (kept[i].address)
			release(&kept[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	int count = atoi(argv[1]);
	operations = strtoul(argv[2], NULL, 10);

	struct thread *threads = mmap(NULL, count * sizeof(*threads), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (threads == MAP_FAILED)
		return 1;
	for (int i = 0; i < count; i++) {
		struct thread *t = &threads[i];

		t->random = 88172645463325252UL + i * 7919UL;
		for (int k = 0; k < SPARES; k++)
			t->spare[t->spares++] = &t->pool[k];
		if (pthread_create(&t->id, NULL, work, t))
			return 1;
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	ledger_write("threads");
	return 0;
}
