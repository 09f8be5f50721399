/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An allocator of its own, one function for each form that --probe can
 * describe.  Its memory is an array, so that no other allocator is seen.
 */
#include <stddef.h>
#include <stdlib.h>

void *pool_alloc(size_t size);
void *pool_product(int unused, size_t count, size_t size);
int pool_out(void **block, size_t size);
void *pool_nested(size_t size);
void *pool_resize(void *old, size_t size);
void pool_free(void *address);
void pool_free_nested(void *address);

static _Alignas(16) char memory[8 << 20];
static size_t used;

/* Nothing is ever reused: the blocks of a test fit. */
void *pool_alloc(size_t size)
{
	size_t room = (size + 31) & ~15UL;

	if (size > sizeof(memory) || used + room > sizeof(memory))
		return NULL;
	used += room;
	return memory + used - room;
}

void *pool_product(int unused, size_t count, size_t size)
{
	size_t product;

	(void)unused;
	return __builtin_mul_overflow(count, size, &product) ? NULL : pool_alloc(product);
}

/* 0, or an error and *block left as it was. */
int pool_out(void **block, size_t size)
{
	void *address = pool_alloc(size);

	if (!address)
		return 12;
	*block = address;
	return 0;
}

/* Calls malloc: one allocation, the outer one. */
void *pool_nested(size_t size)
{
	return malloc(size + 64);
}

void *pool_resize(void *old, size_t size)
{
	(void)old;
	return pool_alloc(size);
}

/* Something for the compiler to keep. */
void pool_free(void *address)
{
	if (address)
		*(volatile char *)address = 0;
}

void pool_free_nested(void *address)
{
	free(address);
}
