/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call of an allocation function, from its entry on: what it is given, whether it counts, and
 * the stack that it is made from.
 *
 * Only the outermost call of a layer counts.  An open call is known by the
 * address of its return slot: a call entered further down the stack is nested
 * in it; one entered at or above it proves that it never returned (an
 * exception, longjmp).  No depth counter can be left stuck.
 */
#ifndef MS_ALLOC_CALL_BPF_H
#define MS_ALLOC_CALL_BPF_H

#include "account.bpf.h"
#include "arch_probe.bpf.h"
#include "maps.bpf.h"
#include "stack.bpf.h"
#include "tensor.bpf.h"

static __always_inline __u64 argument(const struct registers *r, __u8 number)
{
	return r->argument[number % 8];
}

static __always_inline __u64 wanted_size(const struct registers *r, const struct ms_row *row)
{
	__u64 a = argument(r, row->size_arg), b, product;

	if (!row->size_arg2)
		return a;
	b = argument(r, row->size_arg2);
	product = a * b;
	/* Opaque, or LLVM makes of the test a 128-bit product, which BPF lacks. */
	asm volatile("" : "+r"(product));
	return b && product / b != a ? MS_SIZE_OVERFLOW : product;
}

/*
 * A call that returned no memory.  Its stack is counted apart from those of what was
 * allocated: most processes have none.
 */
static __noinline int account_failed(__u32 id, __u64 layer, __u64 hash, __u64 size)
{
	struct ms_stack_key key = {.id = id, .layer = layer, .hash = hash};
	const struct ms_failures none = {};
	struct ms_totals *t = account_image(id, layer);
	struct ms_failures *f;

	if (t)
		__sync_fetch_and_add(&t->failed, 1);
	f = bpf_map_lookup_elem(&failures, &key);
	if (!f) {
		bpf_map_update_elem(&failures, &key, &none, BPF_NOEXIST);
		f = bpf_map_lookup_elem(&failures, &key);
	}
	if (!f) {
		loss_add(MS_LOSS_failures_full, 1);
		return 0;
	}
	__sync_fetch_and_add(&f->count, 1);
	if (size > MS_FAILED_BYTES_MAX || f->bytes + size > MS_FAILED_BYTES_MAX)
		f->bytes = MS_FAILED_BYTES_MAX;
	else
		__sync_fetch_and_add(&f->bytes, size);
	return 0;
}

/* The bytes of the block that was freed, 0 if it was none of ours; -1: it was no free. */
static __always_inline __s64 on_free(struct task_state *task, struct pending *open,
				     const struct ms_block_key *key, __u32 layer)
{
	__u64 address = key->address;
	struct ms_totals *t;
	struct ms_block block;
	int temporary;

	if (!address)
		return -1;
	if (account_take(key, &block)) {
		temporary = task->last_alloc == address;
		task->last_alloc = 0;
		task->last_free = address;
		account_freed(key->id, layer, &block, bpf_ktime_get_ns(), temporary);
		return (__s64)block.size;
	}
	/* operator delete ending in free(), realloc() freeing the old block:
	 * the outer call has counted it already. */
	if (open->sp || task->last_free == address)
		return -1;
	t = account_image(key->id, layer);
	if (t)
		__sync_fetch_and_add(&t->unknown_frees, 1);
	return 0;
}

/* A call that never returned may hold a block; it is still the program's. */
static __always_inline void pending_drop(struct pending *open, __u32 layer)
{
	struct ms_block_key key = {.id = open->id, .space = layer, .address = open->old};

	loss_add(MS_LOSS_abandoned, 1);
	if (open->had_old && bpf_map_update_elem(&blocks, &key, &open->old_block, BPF_NOEXIST))
		loss_add(MS_LOSS_abandoned_bytes, open->old_block.size);
	open->sp = 0;
}

/*
 * Whether a function entered with the stack pointer of the open call was jumped
 * to by it (reallocarray() to realloc(), pvalloc() to memalign()): the return
 * address is then not a caller's but the trampoline of the return probe.  If it
 * is a caller's, this is a new call and the open one never returned.
 */
static __always_inline int is_jump(const struct registers *r)
{
	__u64 address;

	return !arch_back(r, &address) && !follows_call(address, 0);
}

static __always_inline __u64 maker_of(const struct registers *r, const struct ms_row *row)
{
	return row->maker_arg == MS_MAKER_HOST ? 0 : argument(r, row->maker_arg);
}

/*
 * Of ggml's calls inside each other the innermost says whose memory it is: what a device's
 * library makes for the host it has the host make.
 */
static __always_inline void maker_inside(const struct registers *r, struct pending *open,
					 const struct ms_row *row)
{
	if (row->maker_arg && rows[MS_COOKIE_ROW(open->cookie) % MS_ROWS_MAX].maker_arg)
		open->ptr = maker_of(r, row);
}

/* Returns 1 if the call needs its return probe. */
static __always_inline int on_call(const struct registers *r, struct pending *open, __u32 id,
				   const struct ms_row *row, __u64 cookie)
{
	__u64 sp = r->sp;

	if (open->sp && (open->sp > sp || (open->sp == sp && is_jump(r)))) {
		/* Nested, or still the same call. */
		maker_inside(r, open, row);
		return 0;
	}
	if (open->sp)
		pending_drop(open, row->layer);

	open->sp = sp;
	open->id = id;
	open->cookie = cookie;
	open->size = wanted_size(r, row);
	open->ptr = row->maker_arg ? maker_of(r, row) : argument(r, row->ptr_arg);
	open->old = argument(r, row->old_arg);
	open->had_old = 0;
	if (open->old) {
		struct ms_block_key key = {.id = id, .space = row->layer, .address = open->old};

		/* Taken out now: once realloc() has freed it, another thread may
		 * be given the address before we see the return. */
		open->had_old = account_take(&key, &open->old_block);
	}
	return !row->throws;
}

/* From the function that is probed, which is its own innermost frame. */
static __noinline __u64 stack_here(struct pt_regs *ctx, struct task_state *task, __u32 id)
{
	struct position at = {.ip = PT_REGS_IP(ctx),
			      .sp = PT_REGS_SP(ctx),
			      .fp = PT_REGS_FP(ctx),
			      .third = arch_third(ctx),
			      .exact = 1};

	return stack_walk(&at, task, id, 0);
}

/*
 * From where the open call has returned to: `ip`, with the stack pointer at `sp`.  Of its own,
 * not to have its frame on top of all others: together they have 512 bytes.
 */
static __noinline __u64 stack_of_call(struct pt_regs *ctx, struct task_state *task,
				      const struct pending *open, __u64 ip, __u64 sp)
{
	struct position at = {
	    .ip = ip, .sp = sp, .fp = PT_REGS_FP(ctx), .third = arch_third_after(ctx)};

	return stack_walk(
	    &at, task, open->id,
	    MS_FRAME(MS_COOKIE_MODULE(open->cookie), MS_FRAME_ROW | MS_COOKIE_ROW(open->cookie)));
}

#endif
