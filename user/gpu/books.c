/* SPDX-License-Identifier: GPL-2.0 */
/* GPU memory by stack and by device. */
#include "gpu/books.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/calls.h"
#include "peak.h"

void gpu_device_name(uint32_t device, char *name, unsigned size)
{
	static const char *const names[] = {
#define X(id, text) text,
	    GPU_PLACES(X)
#undef X
	};
	uint32_t place = GPU_DEVICE_PLACE(device);
	const char *text = place < GPU_PLACE_NR ? names[place] : names[GPU_PLACE_USER];
	int length = (int)strcspn(text, "%");

	if (text[length])
		snprintf(name, size, "%.*s%u", length, text, GPU_DEVICE_NUMBER(device));
	else
		snprintf(name, size, "%s", text);
}

static struct gpu_stack *stack_find(const struct gpu_books *b, uint64_t stack, uint32_t device)
{
	const void *place = pair_map_find(&b->by_stack, stack, device);

	return place ? &b->stacks[(uintptr_t)place - 1] : NULL;
}

static struct gpu_stack *stack_open(struct gpu_books *b, uint64_t stack, uint32_t device)
{
	struct gpu_stack *found = stack_find(b, stack, device);

	if (found)
		return found;
	if (b->stack_count == b->stack_room) {
		size_t room = b->stack_room ? 2 * b->stack_room : 32;
		void *items = reallocarray(b->stacks, room, sizeof(*b->stacks));

		if (!items)
			return NULL;
		b->stacks = items;
		b->stack_room = room;
	}
	if (pair_map_add(&b->by_stack, stack, device, (void *)(uintptr_t)(b->stack_count + 1)))
		return NULL;
	found = &b->stacks[b->stack_count++];
	*found = (struct gpu_stack){.stack = stack, .device = device};
	return found;
}

static struct gpu_device *device_find(const struct gpu_books *b, uint32_t device)
{
	size_t i;

	for (i = 0; i < b->device_count; i++)
		if (b->devices[i].device == device)
			return &b->devices[i];
	return NULL;
}

static struct gpu_device *device_open(struct gpu_books *b, uint32_t device)
{
	struct gpu_device *found = device_find(b, device), *items;

	if (found)
		return found;
	items = reallocarray(b->devices, b->device_count + 1, sizeof(*items));
	if (!items)
		return NULL;
	b->devices = items;
	found = &items[b->device_count++];
	*found = (struct gpu_device){.device = device};
	return found;
}

static void device_change(struct gpu_device *d, int64_t bytes, uint64_t now_ns)
{
	d->totals.live_bytes += bytes;
	if (d->totals.live_bytes > d->totals.peak_bytes) {
		d->totals.peak_bytes = d->totals.live_bytes;
		d->totals.peak_at_ns = now_ns;
	}
}

int gpu_books_open(struct gpu_books *b, const struct gpu_entry *e)
{
	return stack_open(b, e->stack, e->device) && device_open(b, e->device) ? 0 : -ENOMEM;
}

void gpu_books_add(struct gpu_books *b, const struct gpu_entry *e)
{
	struct gpu_stack *s = stack_find(b, e->stack, e->device);
	struct gpu_device *d = device_find(b, e->device);

	b->totals.allocs++;
	b->totals.alloc_bytes += e->size;
	s->totals.allocs++;
	s->totals.alloc_bytes += e->size;
	d->totals.allocs++;
	d->totals.alloc_bytes += e->size;
	d->shared_bytes += e->shared;
	peak_change(&b->totals, &s->totals, (int64_t)e->size, e->born_ns);
	device_change(d, (int64_t)e->size, e->born_ns);
}

static unsigned lifetime_bucket(uint64_t born_ns, uint64_t now_ns)
{
	uint64_t us = now_ns > born_ns ? (now_ns - born_ns) / 1000 : 0;

	return us ? (63 - __builtin_clzll(us)) % MS_LIFETIME_BUCKETS : 0;
}

void gpu_books_free_entry(struct gpu_books *b, const struct gpu_entry *e, uint64_t now_ns)
{
	struct gpu_stack *s = stack_find(b, e->stack, e->device);
	struct gpu_device *d = device_find(b, e->device);

	b->totals.frees++;
	b->totals.freed_bytes += e->size;
	s->totals.frees++;
	s->totals.freed_bytes += e->size;
	s->totals.lifetime[lifetime_bucket(e->born_ns, now_ns)]++;
	d->totals.frees++;
	d->totals.freed_bytes += e->size;
	d->shared_bytes -= e->shared;
	peak_change(&b->totals, &s->totals, -(int64_t)e->size, now_ns);
	device_change(d, -(int64_t)e->size, now_ns);
}

int gpu_books_failed(struct gpu_books *b, uint32_t device)
{
	struct gpu_device *d = device_open(b, device);

	b->totals.failed++;
	if (!d)
		return -ENOMEM;
	d->totals.failed++;
	return 0;
}

void gpu_books_free(struct gpu_books *b)
{
	free(b->stacks);
	free(b->devices);
	pair_map_free(&b->by_stack);
	*b = (struct gpu_books){0};
}
