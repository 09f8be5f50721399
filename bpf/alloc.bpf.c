/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ONE entry and return pair serves every allocation function of every library:
 * the cookie names a row of the probe table, and the row says what to read.
 *
 * Only the outermost call of a layer counts.  An open call is known by the
 * address of its return slot: a call entered further down the stack is nested
 * in it; one entered at or above it proves that it never returned (an
 * exception, longjmp).  No depth counter can be left stuck.
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "memsnoop.h"
#include "arch_probe.bpf.h"
#include "maps.bpf.h"
#include "stack.bpf.h"
#include "thread.bpf.h"
#include "account.bpf.h"
#include "event.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define SIGURG 23

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

/* The dynamic linker has changed what is mapped. */
static __always_inline int on_marker(__u32 tgid, const struct ms_proc *proc)
{
	int told = event_send(MS_EVENT_LIBS, tgid, proc->id, proc->flags);

	/* A tracer takes the signal before the program sees it, probes what is
	 * new and drops the signal.  If the tracer is gone, SIGURG is ignored. */
	if (told && proc->flags & MS_PROC_HOLD)
		bpf_send_signal_thread(SIGURG);
	return 0;
}

static __always_inline void on_free(struct task_state *task, struct pending *open, __u32 id,
				    __u32 layer, __u64 address)
{
	struct ms_block_key key = {.id = id, .space = layer, .address = address};
	struct ms_totals *t;
	struct ms_block block;
	int temporary;

	if (!address)
		return;
	if (account_take(&key, &block)) {
		temporary = task->last_alloc == address;
		task->last_alloc = 0;
		task->last_free = address;
		account_freed(id, layer, &block, bpf_ktime_get_ns(), temporary);
		return;
	}
	/* operator delete ending in free(), realloc() freeing the old block:
	 * the outer call has counted it already. */
	if (open->sp || task->last_free == address)
		return;
	t = account_image(id, layer);
	if (t)
		__sync_fetch_and_add(&t->unknown_frees, 1);
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

/* Returns 1 if the call needs its return probe. */
static __always_inline int on_call(const struct registers *r, struct pending *open, __u32 id,
				   const struct ms_row *row, __u64 cookie)
{
	__u64 sp = r->sp;

	if (open->sp && open->sp > sp)
		return 0; /* nested */
	if (open->sp == sp && is_jump(r))
		return 0; /* still the same call */
	if (open->sp)
		pending_drop(open, row->layer);

	open->sp = sp;
	open->id = id;
	open->cookie = cookie;
	open->size = wanted_size(r, row);
	open->ptr = argument(r, row->ptr_arg);
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

/*
 * An exception is thrown: an open call that may throw has failed.  (What its
 * own handlers throw and catch ends here too; the call is then not counted, and
 * the free of its block is one of an unknown address.)
 */
static __always_inline int on_unwind(struct pt_regs *ctx)
{
	struct position at = {.ip = PT_REGS_IP(ctx),
			      .sp = PT_REGS_SP(ctx),
			      .fp = PT_REGS_FP(ctx),
			      .third = arch_third(ctx),
			      .exact = 1};
	__u32 tid = bpf_get_current_pid_tgid();
	struct task_state *task = bpf_map_lookup_elem(&tasks, &tid);
	__u32 layer, thrown = MS_LAYER_NR;
	__u64 hash;

	for (layer = 0; task && layer < MS_LAYER_NR; layer++) {
		const struct pending *open = &task->pending[layer];

		if (open->sp && rows[MS_COOKIE_ROW(open->cookie) % MS_ROWS_MAX].throws)
			thrown = layer;
	}
	if (!task || thrown == MS_LAYER_NR)
		return 0;
	hash = stack_walk(&at, task, task->pending[thrown].id, 0);
	for (layer = 0; layer < MS_LAYER_NR; layer++) {
		struct pending *open = &task->pending[layer];

		if (!open->sp || !rows[MS_COOKIE_ROW(open->cookie) % MS_ROWS_MAX].throws)
			continue;
		open->sp = 0;
		account_failed(open->id, layer, hash, open->size);
	}
	return 0;
}

static __always_inline int on_entry(struct pt_regs *ctx, __u64 cookie)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	const struct ms_row *row = &rows[MS_COOKIE_ROW(cookie) % MS_ROWS_MAX];
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct task_state *task;
	struct pending *open;
	__u32 layer = row->layer;
	struct registers r;

	if (!proc || layer >= MS_LAYER_NR)
		return 0;
	if (row->kind == MS_KIND_MARKER)
		return on_marker(tgid, proc);
	if (row->kind == MS_KIND_UNWIND)
		return on_unwind(ctx);
	/* All probes of a process start to count at one moment: an allocation
	 * is never seen while the probe on its free is still missing. */
	if (!(proc->flags & MS_PROC_READY) || stopped)
		return 0;
	task = thread_get(bpf_get_current_pid_tgid());
	if (!task)
		return 0;
	registers_read(ctx, &r);
	open = &task->pending[layer];
	if (open->sp && open->id != proc->id)
		open->sp = 0; /* from before an exec */
	if (row->kind == MS_KIND_FREE) {
		on_free(task, open, proc->id, layer, argument(&r, row->ptr_arg));
		return 0;
	}
	return on_call(&r, open, proc->id, row, cookie);
}

/* The address of the block a call returned, 0 if it failed. */
static __always_inline __u64 result_of(struct pt_regs *ctx, const struct pending *open,
				       const struct ms_row *row)
{
	__u64 result = PT_REGS_RC(ctx), address = 0;

	if (row->zero_is_ok ? (__u32)result != 0 : result == 0)
		return 0;
	if (!row->ptr_arg)
		return result;
	if (!row->ptr_out)
		return open->ptr;
	if (bpf_probe_read_user(&address, sizeof(address), (void *)open->ptr)) {
		loss_add(MS_LOSS_read_failed, 1);
		return 0;
	}
	return address;
}

/* realloc() returned: what becomes of the old block. */
static __always_inline void old_settle(struct pending *open, const struct ms_row *row, __u32 layer,
				       __u64 address, __u64 now_ns)
{
	struct ms_block_key key = {.id = open->id, .space = layer, .address = open->old};
	struct ms_totals *t;

	if (address || !open->size || row->null_frees) {
		/* Moved, resized in place, realloc(p, 0) that freed, reallocf(). */
		if (open->had_old) {
			account_freed(open->id, layer, &open->old_block, now_ns, 0);
		} else {
			t = account_image(open->id, layer);
			if (t)
				__sync_fetch_and_add(&t->unknown_frees, 1);
		}
	} else if (open->had_old) {
		/* Failed: the old block is as it was. */
		if (bpf_map_update_elem(&blocks, &key, &open->old_block, BPF_NOEXIST))
			loss_add(MS_LOSS_abandoned_bytes, open->old_block.size);
	}
}

/*
 * A call returned to `ip`; `sp` is the stack pointer then: the return has popped
 * the address off the slot that names the call.
 */
static __always_inline int on_return(struct pt_regs *ctx, __u64 cookie, __u64 ip, __u64 sp,
				     int by_instruction)
{
	struct position at = {
	    .ip = ip, .sp = sp, .fp = PT_REGS_FP(ctx), .third = arch_third_after(ctx)};
	__u32 tid = bpf_get_current_pid_tgid();
	const struct ms_row *row = &rows[MS_COOKIE_ROW(cookie) % MS_ROWS_MAX];
	struct task_state *task = bpf_map_lookup_elem(&tasks, &tid);
	__u32 layer = row->layer;
	struct ms_block_key key;
	__u64 address, now_ns, hash;
	struct pending *open;

	if (!task || layer >= MS_LAYER_NR || stopped)
		return 0;
	open = &task->pending[layer];
	if (!open->sp || open->sp + MS_RETURN_POPS != sp)
		return 0;
	row = &rows[MS_COOKIE_ROW(open->cookie) % MS_ROWS_MAX];
	/* Code that functions of both kinds jump to returns for either: the other
	 * kind's return probe is still to come. */
	if (row->throws != by_instruction)
		return 0;
	open->sp = 0;
	address = result_of(ctx, open, row);
	now_ns = bpf_ktime_get_ns();
	if (open->old)
		old_settle(open, row, layer, address, now_ns);
	if (!address && open->old && !open->size)
		return 0; /* realloc(p, 0) that freed */
	hash = stack_walk(
	    &at, task, open->id,
	    MS_FRAME(MS_COOKIE_MODULE(open->cookie), MS_FRAME_ROW | MS_COOKIE_ROW(open->cookie)));
	if (!address) {
		account_failed(open->id, layer, hash, open->size);
		return 0;
	}
	key = (struct ms_block_key){.id = open->id, .space = layer, .address = address};
	task->last_alloc = address;
	task->last_free = 0;
	account_alloc(&key, layer, open->size, hash, now_ns);
	return 0;
}

/* At a return instruction. */
static __always_inline int on_return_instruction(struct pt_regs *ctx, __u64 cookie)
{
	__u64 ip = 0;

	if (arch_back_now(ctx, &ip))
		loss_add(MS_LOSS_read_failed, 1);
	return on_return(ctx, cookie, ip, PT_REGS_SP(ctx) + MS_RETURN_POPS, 1);
}

/*
 * Kernels from 6.13 on (commit a76ab5731e32) give kprobe programs, which ours count as,
 * a stack per CPU in place of the kernel's.  But these run preemptible: another
 * thread's program on the same CPU would write over it, and the kernel would crash.
 * Programs with a tail call are left on the kernel's stack.  So here is one,
 * never made: the verifier knows that, and takes it out, after it has counted it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} no_programs SEC(".maps");
static const volatile __u32 stack_per_cpu = 0;

static __always_inline void stay_on_stack(struct pt_regs *ctx)
{
	if (stack_per_cpu)
		bpf_tail_call(ctx, &no_programs, 0);
}

/* Returns 1 if the call needs its return probe. */
static __always_inline int on_probe(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);

	return cookie & MS_COOKIE_RETURN ? on_return_instruction(ctx, cookie)
					 : on_entry(ctx, cookie);
}

/*
 * The same pair for each way to attach; the loader loads one of them
 * (probe/attach.c).  perf and multi want two programs, session one.
 */
SEC("uprobe")
int entry_perf(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	on_probe(ctx);
	return 0;
}

SEC("uretprobe")
int return_perf(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	return on_return(ctx, bpf_get_attach_cookie(ctx), PT_REGS_IP(ctx), PT_REGS_SP(ctx), 0);
}

SEC("uprobe")
int entry_multi(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	on_probe(ctx);
	return 0;
}

SEC("uprobe")
int return_multi(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	return on_return(ctx, bpf_get_attach_cookie(ctx), PT_REGS_IP(ctx), PT_REGS_SP(ctx), 0);
}

/*
 * Both ends.  At the entry the instruction pointer is the probe's own address
 * and at the return it is the caller's, which tells them apart without the
 * kfunc bpf_session_is_return(), whose prototype differs between kernels.
 * A non-zero answer at the entry (6.13) spares the return probe.
 */
SEC("uprobe")
int session(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	if (PT_REGS_IP(ctx) != bpf_get_func_ip(ctx))
		return on_return(ctx, bpf_get_attach_cookie(ctx), PT_REGS_IP(ctx), PT_REGS_SP(ctx),
				 0);
	return !on_probe(ctx);
}
