/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Uses the allocator of pool.c, linked in; made visible by --probe only.
 * The pool is in this program or, as `dl pool`, in a library loaded late.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ledger.h"

void *pool_alloc(size_t size);
void *pool_product(int unused, size_t count, size_t size);
int pool_out(void **block, size_t size);
void *pool_nested(size_t size);
void *pool_resize(void *old, size_t size);
void pool_free(void *address);
void pool_free_nested(void *address);

static volatile size_t huge = SIZE_MAX / 2;

static void ledger_pool_alloc(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_pool_alloc, pool_alloc(size), size);
}

static void ledger_pool_product(struct block *b, size_t count, size_t size)
{
	ledger_note_alloc(b, LEDGER_pool_product, pool_product(7, count, size), count * size);
}

static void ledger_pool_out(struct block *b, size_t size)
{
	void *address = NULL;

	if (pool_out(&address, size))
		address = NULL;
	ledger_note_alloc(b, LEDGER_pool_out, address, size);
}

static void ledger_pool_nested(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_pool_nested, pool_nested(size), size);
}

static void ledger_pool_resize(struct block *b, size_t size)
{
	void *address = pool_resize(b->address, size);

	if (address) {
		ledger_note_free(b);
		ledger_note_alloc(b, LEDGER_pool_resize, address, size);
	}
}

static void ledger_pool_free(struct block *b)
{
	void *address = b->address;

	ledger_note_free(b);
	pool_free(address);
}

static void ledger_pool_free_nested(struct block *b)
{
	void *address = b->address;

	ledger_note_free(b);
	pool_free_nested(address);
}

int main(void)
{
	struct block b;

	for (int i = 0; i < 25; i++) {
		ledger_pool_alloc(&b, 1000 + i);
		if (i % 2)
			ledger_pool_free(&b);
		ledger_pool_product(&b, i, 40);
		if (i % 3)
			ledger_pool_free(&b);
		ledger_pool_out(&b, 300 + i);
		if (i % 5)
			ledger_pool_free(&b);
		ledger_pool_nested(&b, 90 + i);
		if (i % 4)
			ledger_pool_free_nested(&b);
		ledger_pool_alloc(&b, 10);
		ledger_pool_resize(&b, 5000 + i);
		ledger_malloc(&b, 50 + i);
	}
	ledger_pool_alloc(&b, huge);
	ledger_pool_product(&b, huge, 4);
	ledger_pool_out(&b, huge);
	ledger_pool_free(&b);
	ledger_write("custom");
	return 0;
}
