/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel memory by call site: what kmalloc, kmem_cache_alloc and the page allocator
 * hand out, system-wide.
 *
 * These programs run wherever the kernel allocates: in any task, in interrupts, and in
 * each other.  So they must never allocate: the loader preallocates every map.  And
 * nothing is per thread: a stack is made up in one of a few places of its CPU.
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "account.bpf.h"
#include "pieces.bpf.h"
#include "slab/contract.h"

char LICENSE[] SEC("license") = "GPL";

/* ZERO_SIZE_PTR is 16: kmalloc(0), no memory. */
#define NO_BLOCK 16
/* A task, and what may interrupt it in turn: softirq, irq, NMI. */
#define SCRATCHES 4
/* The allocator's own functions between the tracepoint and the call site, at most. */
#define SITE_DEPTH 16

/* Of the running kernel, set before loading. */
const volatile __u32 kmalloc_arguments, cache_arguments; /* enum slab_arguments */
const volatile __u32 page_shift;

__u64 frees_again; /* of those that the kernel says were missed */

struct scratch {
	__u32 busy;
	struct ms_stack stack;
	struct keeping keeping;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct known_cache {
	__u32 number;
	__u32 object_size;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLAB_CACHES_MAX);
	__type(key, __u64); /* address */
	__type(value, struct known_cache);
} known_caches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLAB_CACHES_MAX);
	__type(key, __u32); /* number */
	__type(value, struct slab_cache);
} caches SEC(".maps");

__u32 last_cache;

/* ---- stacks --------------------------------------------------------------- */

/*
 * Places are taken one by one, not counted up and down: where tracepoints may be
 * preempted, they are not given back in the order in which they were taken.
 */
static __always_inline struct scratch *scratch_take(void)
{
	struct scratch *s;
	__u32 i, key;

	MS_UNROLL
	for (i = 0; i < SCRATCHES; i++) {
		key = i;
		s = bpf_map_lookup_elem(&scratches, &key);
		if (s && !__sync_val_compare_and_swap(&s->busy, 0, 1))
			return s;
	}
	return 0;
}

static __always_inline void scratch_give(struct scratch *s)
{
	*(volatile __u32 *)&s->busy = 0;
}

/* Where the call site is in the stack, 1 (all is kept) if it is not found. */
static __always_inline __u32 site_find(const struct ms_stack *stack, __u64 site)
{
	__u32 i;

	if (!site)
		return 1;
	MS_UNROLL
	for (i = 1; i < SITE_DEPTH; i++)
		if (stack->frames[i] == site)
			return i;
	return 1;
}

/* The name of the current stack from `site` on, with `call` before it. */
static __always_inline __u64 stack_take(void *ctx, __u64 site, __u64 call)
{
	struct scratch *s = scratch_take();
	__u64 name = MS_STACK_OTHER;
	struct ms_stack *stack;
	__u32 from;
	long size;

	if (!s) {
		loss_add(MS_LOSS_stacks_unread, 1);
		return name;
	}
	stack = &s->stack;
	size = bpf_get_stack(ctx, &stack->frames[1], MS_STACK_DEPTH * sizeof(__u64), 0);
	if (size > 0) {
		stack->nr = 1 + size / sizeof(__u64);
		stack->end = stack->nr > MS_STACK_DEPTH ? MS_END_TRUNCATED : MS_END_ROOT;
		from = site_find(stack, site) - 1;
		stack->frames[from & (SITE_DEPTH - 1)] = call;
		if (stack->end == MS_END_TRUNCATED)
			loss_add(MS_LOSS_stacks_truncated, 1);
		notes_add(stack);
		name = stack_keep(stack, from, &s->keeping);
	} else {
		loss_add(MS_LOSS_stacks_unread, 1);
	}
	scratch_give(s);
	return name;
}

/* ---- blocks --------------------------------------------------------------- */

static __always_inline int on_alloc(void *ctx, enum slab_layer layer, __u64 site, __u64 address,
				    __u64 size, __u64 call)
{
	struct ms_block_key key = {.id = SLAB_IMAGE, .space = layer, .address = address};
	__u64 now_ns = bpf_ktime_get_ns();
	struct ms_totals *t;

	if (address > NO_BLOCK)
		return account_alloc(&key, layer, size, stack_take(ctx, site, call), now_ns);
	t = account_image(SLAB_IMAGE, layer);
	if (t && !address)
		__sync_fetch_and_add(&t->failed, 1);
	return 0;
}

/* Bytes of the block, 0 if there is none at the address. */
static __always_inline __u64 block_free(enum slab_layer layer, __u64 address)
{
	struct ms_block_key key = {.id = SLAB_IMAGE, .space = layer, .address = address};
	struct ms_block block;

	if (stopped || address <= NO_BLOCK || !account_take(&key, &block))
		return 0;
	account_freed(SLAB_IMAGE, layer, &block, bpf_ktime_get_ns(), 0);
	return block.size;
}

static __always_inline __u64 on_free(enum slab_layer layer, __u64 address)
{
	__u64 size = block_free(layer, address);
	struct ms_totals *t;

	if (size || stopped || address <= NO_BLOCK)
		return size;
	t = account_image(SLAB_IMAGE, layer);
	if (t)
		__sync_fetch_and_add(&t->unknown_frees, 1);
	return 0;
}

static __always_inline __u64 on_free_again(enum slab_layer layer, __u64 address)
{
	__u64 size = block_free(layer, address);

	if (size)
		__sync_fetch_and_add(&frees_again, 1);
	return size;
}

/* A block whose parts are freed one by one, split_page(), is gone with the first. */
static __always_inline void count_split(__u64 size, __u32 order)
{
	if (size > 1ULL << (page_shift + order))
		loss_add(MS_LOSS_pages_split, 1);
}

/* ---- objects -------------------------------------------------------------- */

static __always_inline int on_kmalloc(__u64 *ctx)
{
	if (stopped)
		return 0;
	if (kmalloc_arguments == SLAB_ARGS_CACHE_SIZES)
		return on_alloc(ctx, SLAB_OBJECTS, ctx[0], ctx[1], ctx[3],
				SLAB_FRAME(SLAB_KMALLOC, ctx[4]));
	return on_alloc(ctx, SLAB_OBJECTS, ctx[0], ctx[1], ctx[2],
			SLAB_FRAME(SLAB_KMALLOC, ctx[3]));
}

/*
 * The cache's number.  It gets one, and its name is told, when it is first met, or another
 * was at its address.  Caches that the kernel has merged have one name.
 */
static __always_inline __u32 cache_number(struct kmem_cache *cache, __u32 object_size)
{
	__u64 address = (__u64)cache;
	struct known_cache *known = bpf_map_lookup_elem(&known_caches, &address), new = {};
	struct slab_cache *told;

	if (known && known->object_size == object_size)
		return known->number;
	new.number = __sync_fetch_and_add(&last_cache, 1) + 1;
	new.object_size = object_size;
	told = bpf_map_lookup_elem(&caches, &new.number);
	if (!told || bpf_map_update_elem(&known_caches, &address, &new, BPF_ANY)) {
		loss_add(MS_LOSS_caches_full, 1);
		return 0;
	}
	told->object_size = object_size;
	told->size = BPF_CORE_READ(cache, size);
	bpf_probe_read_kernel_str(told->name, sizeof(told->name), BPF_CORE_READ(cache, name));
	return new.number;
}

static __always_inline int on_cache_alloc(__u64 *ctx)
{
	struct kmem_cache *cache;
	__u32 size;

	if (stopped)
		return 0;
	if (cache_arguments == SLAB_ARGS_SIZES)
		return on_alloc(ctx, SLAB_OBJECTS, ctx[0], ctx[1], ctx[2],
				SLAB_FRAME(SLAB_CACHE_SIZE, ctx[3]));
	cache = (struct kmem_cache *)ctx[2];
	size = BPF_CORE_READ(cache, object_size);
	return on_alloc(ctx, SLAB_OBJECTS, ctx[0], ctx[1], size,
			SLAB_FRAME(SLAB_CACHE, cache_number(cache, size)));
}

SEC("raw_tp/kmalloc")
int kmalloc(__u64 *ctx)
{
	return on_kmalloc(ctx);
}

/* Tracepoints of their own up to 6.0 (commit 11e9734bcb6a). */
SEC("raw_tp/kmalloc_node")
int kmalloc_node(__u64 *ctx)
{
	return on_kmalloc(ctx);
}

SEC("raw_tp/kmem_cache_alloc")
int kmem_cache_alloc(__u64 *ctx)
{
	return on_cache_alloc(ctx);
}

SEC("raw_tp/kmem_cache_alloc_node")
int kmem_cache_alloc_node(__u64 *ctx)
{
	return on_cache_alloc(ctx);
}

SEC("raw_tp/kfree")
int kfree(__u64 *ctx)
{
	on_free(SLAB_OBJECTS, ctx[1]);
	return 0;
}

SEC("raw_tp/kmem_cache_free")
int kmem_cache_free(__u64 *ctx)
{
	on_free(SLAB_OBJECTS, ctx[1]);
	return 0;
}

/* ---- pages ---------------------------------------------------------------- */

SEC("raw_tp/mm_page_alloc")
int mm_page_alloc(__u64 *ctx)
{
	__u32 order = ctx[1], type = ctx[3];

	/* Memory of processes and the page cache can be moved; it is not the kernel's own. */
	if (stopped || type == bpf_core_enum_value(enum migratetype, MIGRATE_MOVABLE))
		return 0;
	return on_alloc(ctx, SLAB_PAGES, 0, ctx[0], 1ULL << (page_shift + order),
			SLAB_FRAME(SLAB_PAGE_ORDER, order));
}

/* Pages freed in batches (mm_page_free_batched) have passed here one by one before. */
SEC("raw_tp/mm_page_free")
int mm_page_free(__u64 *ctx)
{
	count_split(on_free(SLAB_PAGES, ctx[0]), ctx[1]);
	return 0;
}

/* ---- objects in bulk --------------------------------------------------------- */

/*
 * No tracepoint tells of them.  Where functions of the kernel can be traced these do; the
 * arguments are asked for one by one, since old verifiers know no pointer to a pointer.
 */
struct bulk {
	__u64 objects; /* an array of addresses */
	__u64 size;    /* of an object */
	__u64 stack;
	__u64 now_ns;
};

static __always_inline __u64 bulk_address(const struct bulk *b, __u32 i)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), (__u64 *)b->objects + i);
	return address;
}

static long bulk_alloc(__u32 i, void *data)
{
	const struct bulk *b = data;
	struct ms_block_key key = {
	    .id = SLAB_IMAGE, .space = SLAB_OBJECTS, .address = bulk_address(b, i)};

	if (key.address > NO_BLOCK)
		account_alloc(&key, SLAB_OBJECTS, b->size, b->stack, b->now_ns);
	return 0;
}

static long bulk_free(__u32 i, void *data)
{
	on_free(SLAB_OBJECTS, bulk_address(data, i));
	return 0;
}

/* kmem_cache_free_bulk(cache, count, objects); of kfree_bulk() too, so of kfree_rcu(). */
SEC("?fentry/kmem_cache_free_bulk")
int free_bulk(__u64 *ctx)
{
	struct bulk b = {};
	__u64 count = 0;

	bpf_get_func_arg(ctx, 1, &count);
	bpf_get_func_arg(ctx, 2, &b.objects);
	if (!stopped)
		bpf_loop(count, bulk_free, &b, 0);
	return 0;
}

/* kmem_cache_alloc_bulk(cache, flags, count, objects): all of them or 0. */
SEC("?fexit/kmem_cache_alloc_bulk_noprof")
int alloc_bulk(__u64 *ctx)
{
	__u64 cache = 0, count = 0, result = 0;
	struct bulk b = {.now_ns = bpf_ktime_get_ns()};

	bpf_get_func_ret(ctx, &result);
	if (stopped || !(__u32)result)
		return 0;
	bpf_get_func_arg(ctx, 0, &cache);
	bpf_get_func_arg(ctx, 2, &count);
	bpf_get_func_arg(ctx, 3, &b.objects);
	b.size = BPF_CORE_READ((struct kmem_cache *)cache, object_size);
	b.stack = stack_take(
	    ctx, 0, SLAB_FRAME(SLAB_CACHE, cache_number((struct kmem_cache *)cache, b.size)));
	bpf_loop(count, bulk_alloc, &b, 0);
	return 0;
}

/* __kfree_rcu_sheaf(cache, object), since 6.18 (commit ec66e0d59952): false if it cannot. */
SEC("?fexit/__kfree_rcu_sheaf")
int free_rcu_sheaf(__u64 *ctx)
{
	__u64 object = 0, result = 0;

	bpf_get_func_ret(ctx, &result);
	bpf_get_func_arg(ctx, 1, &object);
	if (!stopped && (__u8)result)
		on_free(SLAB_OBJECTS, object);
	return 0;
}

/* ---- frees that came while one was being traced ----------------------------- */

/*
 * Since 6.1 (commit 05b24ff9b2cf) the kernel does not run a program that its CPU is in
 * the middle of: an interrupt's frees are missed by the program it has interrupted.  RCU
 * frees in interrupts, many at a time, and what is not seen freed looks like a leak.
 * These run behind the others, and take what those have left.
 */
SEC("raw_tp/kfree")
int kfree_again(__u64 *ctx)
{
	on_free_again(SLAB_OBJECTS, ctx[1]);
	return 0;
}

SEC("raw_tp/kmem_cache_free")
int kmem_cache_free_again(__u64 *ctx)
{
	on_free_again(SLAB_OBJECTS, ctx[1]);
	return 0;
}

SEC("raw_tp/mm_page_free")
int mm_page_free_again(__u64 *ctx)
{
	count_split(on_free_again(SLAB_PAGES, ctx[0]), ctx[1]);
	return 0;
}
