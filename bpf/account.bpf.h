/* SPDX-License-Identifier: GPL-2.0 */
/*
 * account_alloc(), account_take(), account_freed(): live blocks, totals per
 * stack and per image, peak, lifetimes.  Every path either counts an event in
 * all of its totals or in a loss counter.
 */
#ifndef MS_ACCOUNT_BPF_H
#define MS_ACCOUNT_BPF_H

#include "peak.h"
#include "tables.bpf.h"

static const struct ms_stack_totals totals_zero;

static __always_inline struct ms_totals *account_image(__u32 id, __u64 layer)
{
	struct ms_image *image;

	if (layer >= MS_LAYER_NR)
		return 0;
	/* Keeps LLVM from computing the address before the bound is checked. */
	asm volatile("" : "+r"(layer));
	image = bpf_map_lookup_elem(&images, &id);
	return image ? &image->layer[layer] : 0;
}

/*
 * The totals of a stack, made if absent.  A full table sends the event to the
 * image's MS_STACK_OTHER entry, which exists from the image's birth, so the sum
 * over stacks stays equal to the image's totals.
 */
static __always_inline struct ms_stack_totals *account_stack(__u32 id, __u32 layer, __u64 *hash)
{
	struct ms_stack_key key = {.id = id, .layer = layer, .hash = *hash};
	struct ms_stack_totals *s = bpf_map_lookup_elem(&totals, &key);

	if (s)
		return s;
	bpf_map_update_elem(&totals, &key, &totals_zero, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&totals, &key);
	if (s)
		return s;
	loss_add(MS_LOSS_totals_full, 1);
	key.hash = *hash = MS_STACK_OTHER;
	return bpf_map_lookup_elem(&totals, &key);
}

static __always_inline __u32 lifetime_bucket(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 bucket = 0, shift;

	for (shift = 16; shift; shift /= 2)
		if (us >> shift) {
			us >>= shift;
			bucket += shift;
		}
	return bucket % MS_LIFETIME_BUCKETS;
}

/*
 * A block that was taken out of `blocks` is free now.  This and account_alloc()
 * are global functions: the verifier proves them once, not at every call.  They
 * return a value because a global function must.
 */
__weak int account_freed(__u32 id, __u64 layer, const struct ms_block *block, __u64 now_ns,
			 int temporary)
{
	struct ms_stack_key key = {.id = id, .layer = layer};
	struct ms_totals *t = account_image(id, layer);
	struct ms_stack_totals *s;

	if (!block)
		return 0;
	key.hash = block->hash;
	s = bpf_map_lookup_elem(&totals, &key);
	if (!t || !s)
		return 0;
	__sync_fetch_and_add(&t->frees, 1);
	__sync_fetch_and_add(&t->freed_bytes, block->size);
	__sync_fetch_and_add(&s->frees, 1);
	__sync_fetch_and_add(&s->freed_bytes, block->size);
	__sync_fetch_and_add(&s->lifetime[lifetime_bucket(now_ns - block->born_ns)], 1);
	if (temporary)
		__sync_fetch_and_add(&s->temporary, 1);
	if (!peak_change(t, s, -(__s64)block->size, now_ns))
		loss_add(MS_LOSS_peak_races, 1);
	return 0;
}

/*
 * Takes the live block at `key` out.  True if it was there and this caller got
 * it: the delete decides, so that two threads freeing one address count once.
 */
static __always_inline int account_take(const struct ms_block_key *key, struct ms_block *block)
{
	struct ms_block *live = bpf_map_lookup_elem(&blocks, key);

	if (!live)
		return 0;
	*block = *live;
	return bpf_map_delete_elem(&blocks, key) == 0;
}

/* A new live block.  1 if it is tracked. */
__weak int account_alloc(const struct ms_block_key *at, __u64 layer, __u64 size, __u64 hash,
			 __u64 now_ns)
{
	struct ms_block_key key;
	struct ms_block block = {.size = size, .hash = hash, .born_ns = now_ns}, stale;
	struct ms_stack_totals *s;
	struct ms_totals *t;
	long err;

	if (!at)
		return 0;
	key = *at; /* up to 6.1 an argument cannot be a map's key */
	t = account_image(key.id, layer);
	s = account_stack(key.id, layer, &block.hash);
	if (!t || !s) {
		loss_add(MS_LOSS_procs_full, 1);
		return 0;
	}
	err = bpf_map_update_elem(&blocks, &key, &block, BPF_NOEXIST);
	if (err == -EEXIST) {
		/* Handed out again: its free was not seen.  It is free all the same. */
		if (account_take(&key, &stale)) {
			loss_add(MS_LOSS_missed_frees, 1);
			account_freed(key.id, layer, &stale, now_ns, 0);
		}
		err = bpf_map_update_elem(&blocks, &key, &block, BPF_NOEXIST);
	}
	if (err) {
		loss_add(MS_LOSS_live_full, 1);
		loss_add(MS_LOSS_live_full_bytes, size);
		return 0;
	}
	__sync_fetch_and_add(&t->allocs, 1);
	__sync_fetch_and_add(&t->alloc_bytes, size);
	__sync_fetch_and_add(&s->allocs, 1);
	__sync_fetch_and_add(&s->alloc_bytes, size);
	if (!peak_change(t, s, size, now_ns))
		loss_add(MS_LOSS_peak_races, 1);
	return 1;
}

#endif
