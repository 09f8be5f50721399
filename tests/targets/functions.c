/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every allocation function: success, failure, NULL, zero size; realloc up,
 * down, to zero and failing.
 *
 *   functions [THREADS]    the whole battery in each of THREADS threads (1)
 *
 * The threads do not end before the process: glibc frees what an ending thread
 * had cached once more, which would blur the count of unknown frees.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"

/* The compiler must not see that these cannot be had. */
static volatile size_t huge = SIZE_MAX / 2;

static void try_malloc(void)
{
	struct block b[5];

	ledger_malloc(&b[0], 1);
	ledger_malloc(&b[1], 0);
	ledger_malloc(&b[2], 100);
	ledger_malloc(&b[3], 3 << 20); /* a mapping of its own */
	ledger_malloc(&b[4], huge);
	ledger_free(&b[4]); /* of NULL */
	ledger_free(&b[1]);
	ledger_free(&b[3]);
	ledger_free(&b[0]);
}

static void try_calloc(void)
{
	struct block b[5];

	ledger_calloc(&b[0], 7, 11);
	ledger_calloc(&b[1], 0, 8);
	ledger_calloc(&b[2], 8, 0);
	ledger_calloc(&b[3], huge, 4); /* the product overflows */
	ledger_calloc(&b[4], huge, 1);
	ledger_free(&b[1]);
	ledger_free(&b[2]);
}

static void try_realloc(void)
{
	struct block b = {0}, hole, zero;

	ledger_realloc(&b, 40); /* of NULL: an allocation */
	ledger_realloc(&b, 41); /* in place */
	ledger_malloc(&hole, 64);
	ledger_realloc(&b, 5000); /* moves: the hole is in the way */
	ledger_realloc(&b, 1 << 20);
	ledger_realloc(&b, 4 << 20);
	ledger_realloc(&b, 300);  /* shrinks */
	ledger_realloc(&b, huge); /* fails: 300 bytes stay */
	ledger_malloc(&zero, 77);
	ledger_realloc(&zero, 0); /* NULL or a block of nothing */
	ledger_free(&zero);
	ledger_free(&hole);
}

static void try_reallocarray(void)
{
	struct block b = {0}, zero;

	ledger_reallocarray(&b, 3, 17);
	ledger_reallocarray(&b, 300, 17);
	ledger_reallocarray(&b, 2, 17);
	ledger_reallocarray(&b, huge, 4); /* the product overflows */
	ledger_reallocarray(&b, huge, 1);
	ledger_malloc(&zero, 19);
	ledger_reallocarray(&zero, 0, 19);
	ledger_free(&zero);
}

static void try_posix_memalign(void)
{
	struct block b[5];

	ledger_posix_memalign(&b[0], 64, 1000);
	ledger_posix_memalign(&b[1], 4096, 1 << 20);
	ledger_posix_memalign(&b[2], 3, 100); /* EINVAL */
	ledger_posix_memalign(&b[3], 64, huge);
	ledger_posix_memalign(&b[4], 16, 0);
	ledger_free(&b[1]);
	ledger_free(&b[4]);
}

static void try_aligned_alloc(void)
{
	struct block b[3];

	ledger_aligned_alloc(&b[0], 256, 2560);
	ledger_aligned_alloc(&b[1], 32, 64);
	ledger_aligned_alloc(&b[2], 64, huge & ~63UL);
	ledger_free(&b[1]);
}

static void try_memalign(void)
{
	struct block b[3];

	ledger_memalign(&b[0], 128, 333);
	ledger_memalign(&b[1], 8192, 99);
	ledger_memalign(&b[2], 64, huge);
	ledger_free(&b[0]);
}

#ifdef __GLIBC__
static void try_valloc(void)
{
	struct block b[3];

	ledger_valloc(&b[0], 555);
	ledger_valloc(&b[1], 4097);
	ledger_valloc(&b[2], huge);
	ledger_free(&b[1]);
}

static void try_pvalloc(void)
{
	struct block b[3];

	ledger_pvalloc(&b[0], 600);
	ledger_pvalloc(&b[1], 4099);
	ledger_pvalloc(&b[2], huge);
	ledger_free(&b[0]);
}
#endif

static void try_cfree(void (*cfree_function)(void *))
{
	struct block b[2];

	for (int i = 0; i < 2; i++) {
		ledger_malloc(&b[i], 1200 + i);
		void *address = b[i].address;
		ledger_note_free(&b[i]);
		cfree_function(address);
	}
}

/* Functions of the libc that call malloc themselves: not the ledger's, but they must not upset it.
 */
static void try_others(void)
{
	struct block b;

	char *copy = strdup("a copy");
	ledger_malloc(&b, 61);
	free(copy);
	ledger_free(&b);
	ledger_free(&b);
}

static void *battery(void *unused)
{
	try_malloc();
	try_calloc();
	try_realloc();
	try_reallocarray();
	try_posix_memalign();
	try_aligned_alloc();
	try_memalign();
#ifdef __GLIBC__
	if (ledger_find("valloc"))
		try_valloc();
	if (ledger_find("pvalloc"))
		try_pvalloc();
#endif
	if (ledger_find("cfree"))
		try_cfree(ledger_find("cfree"));
	try_others();
	return unused;
}

static pthread_barrier_t done;

static void *thread(void *unused)
{
	battery(unused);
	pthread_barrier_wait(&done);
	for (;;)
		pause();
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t threads[64];

	pthread_barrier_init(&done, NULL, count);
	for (int i = 1; i < count; i++)
		if (pthread_create(&threads[i], NULL, thread, NULL))
			return 1;
	battery(NULL);
	pthread_barrier_wait(&done);
	ledger_write("functions");
	return 0;
}
