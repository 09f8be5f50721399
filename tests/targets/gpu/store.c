/* SPDX-License-Identifier: GPL-2.0 */
/* Slots, and what each device has left. */
#include "store.h"

#include "driver.h"

static pthread_mutex_t used_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t used[STORE_DEVICES];

static bool reserve(int device, uint64_t size)
{
	bool fits;

	if (device < 0)
		return true; /* the host's */
	pthread_mutex_lock(&used_lock);
	fits = size <= STORE_CAPACITY - used[device];
	if (fits)
		used[device] += size;
	pthread_mutex_unlock(&used_lock);
	if (fits)
		driver_change(device, (int64_t)size);
	return fits;
}

static void release(int device, uint64_t size)
{
	if (device < 0)
		return;
	pthread_mutex_lock(&used_lock);
	used[device] -= size;
	pthread_mutex_unlock(&used_lock);
	driver_change(device, -(int64_t)size);
}

static void begin(struct store *s)
{
	if (s->begun)
		return;
	s->begun = true;
	while (s->free_count < STORE_SLOTS) {
		s->free[s->free_count] = (uint16_t)(STORE_SLOTS - 1 - s->free_count);
		s->free_count++;
	}
}

uint64_t store_take(struct store *s, uint64_t size, int device, const void *owner)
{
	uint64_t address = 0;

	pthread_mutex_lock(&s->lock);
	begin(s);
	if (s->free_count && reserve(device, size)) {
		size_t slot = s->free[--s->free_count];

		s->blocks[slot] = (struct store_block){.store = s,
						       .size = size,
						       .owner = owner,
						       .device = device,
						       .live = true,
						       .references = 1};
		address = s->base + slot * STORE_STRIDE;
	}
	pthread_mutex_unlock(&s->lock);
	return address;
}

static struct store_block *at(struct store *s, uint64_t address)
{
	uint64_t slot = (address - s->base) / STORE_STRIDE;

	return address >= s->base && slot < STORE_SLOTS && s->blocks[slot].live ? &s->blocks[slot]
										: NULL;
}

/* The lock is held. */
static void end_if_unused(struct store *s, struct store_block *b)
{
	if (b->references > 0 || b->uses)
		return;
	b->live = false;
	release(b->device, b->size);
	s->free[s->free_count++] = (uint16_t)(b - s->blocks);
}

bool store_give(struct store *s, uint64_t address)
{
	struct store_block *b, *of = NULL;
	bool good;

	pthread_mutex_lock(&s->lock);
	b = at(s, address);
	good = b && (address - s->base) % STORE_STRIDE == 0 && b->references > 0;
	if (good) {
		of = b->of;
		b->references--;
		end_if_unused(s, b);
	}
	pthread_mutex_unlock(&s->lock);
	if (of)
		store_unuse(of);
	return good;
}

struct store_block *store_find(struct store *s, uint64_t address)
{
	struct store_block *b;

	pthread_mutex_lock(&s->lock);
	b = at(s, address);
	pthread_mutex_unlock(&s->lock);
	return b;
}

void store_end(struct store *s, const void *owner)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < STORE_SLOTS; i++)
		if (s->blocks[i].live && s->blocks[i].owner == owner) {
			s->blocks[i].references = 0;
			end_if_unused(s, &s->blocks[i]);
		}
	pthread_mutex_unlock(&s->lock);
}

void store_use(struct store_block *of)
{
	pthread_mutex_lock(&of->store->lock);
	of->uses++;
	pthread_mutex_unlock(&of->store->lock);
}

void store_unuse(struct store_block *of)
{
	pthread_mutex_lock(&of->store->lock);
	of->uses--;
	end_if_unused(of->store, of);
	pthread_mutex_unlock(&of->store->lock);
}
