/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A double of libc10_cuda.so: PyTorch's caching allocator, as it is documented.  Sizes are
 * rounded up to 512 bytes.  Blocks up to 1 MiB come out of segments of 2 MiB, those below 10 MiB
 * out of such of 20 MiB, larger ones have one of their own, in steps of 2 MiB.  A block is split
 * if what is left is of use: 512 bytes of a small segment, more than 1 MiB of another.  What is
 * freed is kept, merged with its neighbours, for the same device and stream.  With expandable
 * segments there is one for all blocks of a kind, which grows, and is always split.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "../gpu/cuda.h"
#include "c10.h"
#include "expandable.h"

#define MIB (1ULL << 20)
#define ROUND 512ULL
#define SMALL_MAX MIB
#define SMALL_SEGMENT (2 * MIB)
#define MEDIUM_MAX (10 * MIB)
#define MEDIUM_SEGMENT (20 * MIB)
#define DEVICES 2

/* Bumped by a tracer: then the probes are worth their arguments.  (1.13 has none.) */
__extension__ unsigned short pytorch_malloc_semaphore __attribute__((section(".probes")));
__extension__ unsigned short pytorch_free_semaphore __attribute__((section(".probes")));

struct block {
	struct block *next;           /* of all, in no order */
	struct block *before, *after; /* in its segment */
	uint64_t address, size;
	int device;
	int64_t stream;
	bool small, live;
};

static struct block *blocks;
static struct caching_stats stats[DEVICES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t up(uint64_t size, uint64_t step)
{
	return (size + step - 1) / step * step;
}

static struct block *block_new(const struct block *like)
{
	struct block *b = malloc(sizeof(*b));

	if (!b)
		abort();
	*b = *like;
	b->next = blocks;
	blocks = b;
	return b;
}

static void block_end(struct block *b)
{
	struct block **at = &blocks;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	free(b);
}

/* ---- segments ------------------------------------------------------------------------ */

static void use_device(int device)
{
	static CUcontext contexts[DEVICES];

	if (!contexts[device] && cuDevicePrimaryCtxRetain(&contexts[device], device))
		abort();
	if (cuCtxSetCurrent(contexts[device]))
		abort();
}

static uint64_t segment_size(uint64_t size)
{
	return size <= SMALL_MAX   ? SMALL_SEGMENT
	       : size < MEDIUM_MAX ? MEDIUM_SEGMENT
				   : up(size, 2 * MIB);
}

static struct block *segment_take(uint64_t size, int device, int64_t stream)
{
	struct block b = {.size = segment_size(size),
			  .device = device,
			  .stream = stream,
			  .small = size <= SMALL_MAX};
	CUdeviceptr address;

	use_device(device);
	if (cuMemAlloc_v2(&address, b.size))
		return NULL;
	b.address = address;
	stats[device].reserved += b.size;
	stats[device].segments++;
	return block_new(&b);
}

/* The last block of a range. */
static struct block *range_last(int device, int64_t stream, bool small)
{
	struct block *b = blocks;

	while (b && (b->after || b->device != device || b->stream != stream || b->small != small))
		b = b->next;
	return b;
}

static struct block *range_take(uint64_t size, int device, int64_t stream)
{
	struct block *last = range_last(device, stream, size <= SMALL_MAX);
	struct block b = {.device = device, .stream = stream, .small = size <= SMALL_MAX};
	bool grows = last && !last->live;

	use_device(device);
	b.address =
	    expandable_map(device, stream, b.small, size - (grows ? last->size : 0), &b.size);
	if (!b.address)
		return NULL;
	stats[device].reserved += b.size;
	if (grows) {
		last->size += b.size;
		return last;
	}
	b.before = last;
	if (!last)
		return block_new(&b);
	return last->after = block_new(&b);
}

static void range_release(struct block *b)
{
	uint64_t gone = expandable_unmap(b->device, b->stream, b->small, b->size);

	stats[b->device].reserved -= gone;
	b->size -= gone;
	if (b->size)
		return;
	if (b->before)
		b->before->after = NULL;
	block_end(b);
}

static struct block *more_for(uint64_t size, int device, int64_t stream)
{
	return expandable_on() ? range_take(size, device, stream)
			       : segment_take(size, device, stream);
}

/* Gives back what no block lives in; any device's if it is below 0. */
static void release_cached(int device)
{
	struct block *b, *next;

	for (b = blocks; b; b = next) {
		next = b->next;
		if (b->live || b->after || (device >= 0 && b->device != device))
			continue;
		use_device(b->device);
		if (expandable_on()) {
			range_release(b);
			continue;
		}
		if (b->before)
			continue;
		if (cuMemFree_v2(b->address))
			abort();
		stats[b->device].reserved -= b->size;
		stats[b->device].segments--;
		block_end(b);
	}
}

/* ---- blocks ---------------------------------------------------------------------------- */

static struct block *best_fit(uint64_t size, int device, int64_t stream)
{
	struct block *b, *best = NULL;

	for (b = blocks; b; b = b->next)
		if (!b->live && b->device == device && b->stream == stream &&
		    b->small == (size <= SMALL_MAX) && b->size >= size &&
		    (!best || b->size < best->size ||
		     (b->size == best->size && b->address < best->address)))
			best = b;
	return best;
}

static void split(struct block *b, uint64_t size)
{
	struct block rest = *b, *made;

	if (b->small || expandable_on() ? b->size - size < ROUND : b->size - size <= SMALL_MAX)
		return;
	rest.address += size;
	rest.size -= size;
	rest.before = b;
	made = block_new(&rest);
	if (made->after)
		made->after->before = made;
	b->after = made;
	b->size = size;
}

static void *take(size_t bytes, int device, int64_t stream)
{
	uint64_t size = bytes < ROUND ? ROUND : up(bytes, ROUND);
	struct block *b = best_fit(size, device, stream);

	if (!b)
		b = more_for(size, device, stream);
	if (!b) {
		release_cached(device);
		b = more_for(size, device, stream);
	}
	if (!b) {
		c10_report_out_of_memory((int64_t)size, stats[device].allocated,
					 stats[device].reserved, C10_CUDA(device));
		return NULL;
	}
	split(b, size);
	b->live = true;
	stats[device].allocated += b->size;
	c10_report((void *)b->address, (int64_t)b->size, stats[device].allocated,
		   stats[device].reserved, C10_CUDA(device));
	return (void *)b->address;
}

/* `b` swallows the block behind it, if nothing lives there. */
static void merge(struct block *b)
{
	struct block *gone = b ? b->after : NULL;

	if (!gone || gone->live || b->live)
		return;
	b->size += gone->size;
	b->after = gone->after;
	if (b->after)
		b->after->before = b;
	block_end(gone);
}

static void give(void *ptr)
{
	struct block *b = blocks;

	while (b && !(b->live && b->address == (uintptr_t)ptr))
		b = b->next;
	if (!b)
		abort();
	stats[b->device].allocated -= b->size;
	c10_report(ptr, -(int64_t)b->size, stats[b->device].allocated, stats[b->device].reserved,
		   C10_CUDA(b->device));
	b->live = false;
	merge(b);
	merge(b->before);
}

void *caching_raw_alloc(size_t bytes, int device, int64_t stream)
{
	void *ptr;

	if (!bytes)
		return NULL;
	pthread_mutex_lock(&lock);
	ptr = take(bytes, device, stream);
	pthread_mutex_unlock(&lock);
	return ptr;
}

void *caching_allocate(size_t bytes, int device, int64_t stream)
{
	void *ptr = caching_raw_alloc(bytes, device, stream);

#ifndef TORCH_1_13
	if (ptr && __builtin_expect(pytorch_malloc_semaphore, 0))
		STAP_PROBE4(pytorch, malloc, ptr, (int8_t)device, bytes, stream);
#endif
	return ptr;
}

void caching_raw_delete(void *ptr)
{
	pthread_mutex_lock(&lock);
	give(ptr);
	pthread_mutex_unlock(&lock);
}

void caching_delete(void *ptr)
{
	if (!ptr)
		return;
#ifndef TORCH_1_13
	if (__builtin_expect(pytorch_free_semaphore, 0))
		STAP_PROBE1(pytorch, free, ptr);
#endif
	caching_raw_delete(ptr);
}

void caching_empty_cache(void)
{
	pthread_mutex_lock(&lock);
	release_cached(-1);
	pthread_mutex_unlock(&lock);
}

struct caching_stats caching_stats(int device)
{
	struct caching_stats copy;

	pthread_mutex_lock(&lock);
	copy = stats[device];
	pthread_mutex_unlock(&lock);
	return copy;
}

unsigned caching_is_traced(void)
{
	return pytorch_malloc_semaphore;
}
