/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/blocks.h"

#include <stdlib.h>

#define BUCKETS_FIRST 1024

uint16_t blocks_space(uint16_t device)
{
	return device >> 8 == TENSOR_INDEX_ANY ? 0 : device;
}

static size_t bucket_of(const struct blocks *b, uint16_t device, uint64_t address)
{
	uint64_t key = (address ^ (uint64_t)blocks_space(device) << 48) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(key >> 32) & (b->bucket_count - 1);
}

static int grow(struct blocks *b)
{
	size_t i, count = b->bucket_count ? 2 * b->bucket_count : BUCKETS_FIRST;
	struct blocks larger = *b;
	struct tensor_block *block, *next;

	larger.bucket_count = count;
	larger.buckets = calloc(count, sizeof(*larger.buckets));
	if (!larger.buckets)
		return -1;
	for (i = 0; i < b->bucket_count; i++)
		for (block = b->buckets[i]; block; block = next) {
			struct tensor_block **to =
			    &larger.buckets[bucket_of(&larger, block->device, block->address)];

			next = block->next;
			block->next = *to;
			*to = block;
		}
	free(b->buckets);
	*b = larger;
	return 0;
}

static void free_list(struct tensor_block *block)
{
	struct tensor_block *next;

	for (; block; block = next) {
		next = block->next;
		free(block);
	}
}

void blocks_free(struct blocks *b)
{
	size_t i;

	for (i = 0; i < b->bucket_count; i++)
		free_list(b->buckets[i]);
	for (i = 0; i < b->device_count; i++)
		free_list(b->devices[i].ended);
	free(b->buckets);
	free(b->devices);
	*b = (struct blocks){0};
}

struct device_blocks *blocks_device(struct blocks *b, uint16_t device)
{
	struct device_blocks *devices;
	size_t i;

	for (i = 0; i < b->device_count; i++)
		if (b->devices[i].device == device)
			return &b->devices[i];
	devices = realloc(b->devices, (b->device_count + 1) * sizeof(*devices));
	if (!devices)
		return NULL;
	b->devices = devices;
	devices[b->device_count] = (struct device_blocks){.device = device};
	return &devices[b->device_count++];
}

static struct tensor_block **place_of(const struct blocks *b, uint16_t device, uint64_t address)
{
	struct tensor_block **at;

	if (!b->bucket_count)
		return NULL;
	at = &b->buckets[bucket_of(b, device, address)];
	while (*at &&
	       ((*at)->address != address || blocks_space((*at)->device) != blocks_space(device)))
		at = &(*at)->next;
	return at;
}

struct tensor_block *blocks_find(const struct blocks *b, uint16_t device, uint64_t address)
{
	struct tensor_block **at = place_of(b, device, address);

	return at ? *at : NULL;
}

/* What was there before tracing was there at every moment, the peak too. */
static void count_birth(struct blocks *b, struct device_blocks *d, const struct tensor_block *block)
{
	d->live++;
	d->live_bytes += block->size;
	if (block->before) {
		d->peak_bytes += block->size;
		return;
	}
	if (d->live_bytes < d->peak_bytes || (d->live_bytes == d->peak_bytes && d->below))
		return;
	d->peak_bytes = d->live_bytes;
	d->peak_number = b->born;
	d->at_peak = d->now;
	d->below = false;
	/* They were there at a peak that is none any more. */
	free_list(d->ended);
	d->ended = NULL;
}

struct tensor_block *blocks_add(struct blocks *b, const struct tensor_block *block)
{
	struct device_blocks *d = blocks_device(b, block->device);
	struct tensor_block *new, **at;

	if (!d || (b->count >= b->bucket_count && grow(b)))
		return NULL;
	new = malloc(sizeof(*new));
	if (!new)
		return NULL;
	*new = *block;
	new->number = block->before ? 0 : ++b->born;
	at = &b->buckets[bucket_of(b, block->device, block->address)];
	new->next = *at;
	*at = new;
	b->count++;
	count_birth(b, d, new);
	return new;
}

struct tensor_block *blocks_take(struct blocks *b, uint16_t device, uint64_t address)
{
	struct tensor_block **at = place_of(b, device, address), *block = at ? *at : NULL;
	struct device_blocks *d;

	if (!block)
		return NULL;
	*at = block->next;
	block->next = NULL;
	block->ended = true;
	b->count--;
	d = blocks_device(b, device);
	d->live--;
	d->live_bytes -= block->size;
	if (block->size)
		d->below = true;
	return block;
}

void blocks_drop(struct blocks *b, struct tensor_block *block)
{
	struct device_blocks *d = blocks_device(b, block->device);

	if (!d || block->number > d->peak_number) {
		free(block);
		return;
	}
	block->next = d->ended;
	d->ended = block;
}

void blocks_each_live(const struct blocks *b, block_fn *fn, void *context)
{
	const struct tensor_block *block;
	size_t i;

	for (i = 0; i < b->bucket_count; i++)
		for (block = b->buckets[i]; block; block = block->next)
			fn(block, context);
}

struct peak_context {
	const struct blocks *blocks;
	block_fn *fn;
	void *context;
};

static void if_at_peak(const struct tensor_block *block, void *context)
{
	const struct peak_context *p = context;
	size_t i;

	for (i = 0; i < p->blocks->device_count; i++) {
		const struct device_blocks *d = &p->blocks->devices[i];

		if (d->device == block->device && block->number <= d->peak_number)
			p->fn(block, p->context);
	}
}

void blocks_each_at_peak(const struct blocks *b, block_fn *fn, void *context)
{
	struct peak_context p = {b, fn, context};
	const struct tensor_block *block;
	size_t i;

	blocks_each_live(b, if_at_peak, &p);
	for (i = 0; i < b->device_count; i++)
		for (block = b->devices[i].ended; block; block = block->next)
			fn(block, context);
}
