/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory behind the doubles of GPU drivers: numbers that look like addresses, of which the
 * one freed last is given out next.  Nothing can be stored at them.
 */
#ifndef STORE_H
#define STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_SLOTS 4096

struct store;

struct store_block {
	struct store *store;
	uint64_t size;
	const void *owner; /* goes with it: store_end() */
	int device;
	bool live;
	int references;
	struct store_block *of; /* what it is a mapping or a part of */
	int uses;               /* blocks that are made of it */
};

struct store {
	pthread_mutex_t lock;
	uint64_t base; /* address of the first slot; two stores may have the same */
	bool begun;
	uint16_t free[STORE_SLOTS];
	size_t free_count;
	struct store_block blocks[STORE_SLOTS];
};

#define STORE_AT(first)                                                                            \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .base = (first)                                 \
	}
#define STORE_STRIDE (1ULL << 32)
/* Bytes that each device has. */
#define STORE_DEVICES 2
#define STORE_CAPACITY (8ULL << 30)

/* 0: the device has not so much left, or no slot is free. */
uint64_t store_take(struct store *store, uint64_t size, int device, const void *owner);
/* One reference less; the block goes when none is left and nothing is made of it.  False: none. */
bool store_give(struct store *store, uint64_t address);
/* The live block that holds the address, NULL: none. */
struct store_block *store_find(struct store *store, uint64_t address);
/* Frees all of an owner. */
void store_end(struct store *store, const void *owner);
/* A block of one store is made of another's. */
void store_use(struct store_block *of);
void store_unuse(struct store_block *of);

#endif
