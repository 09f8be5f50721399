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
#include "preempted.bpf.h"
#include "stack.bpf.h"
#include "thread.bpf.h"
#include "account.bpf.h"
#include "event.bpf.h"
#include "gpu.bpf.h"
#include "tensor.bpf.h"

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

/*
 * An exception is thrown: an open call that may throw has failed.  (What its
 * own handlers throw and catch ends here too; the call is then not counted, and
 * the free of its block is one of an unknown address.)
 */
static __always_inline int on_unwind(struct pt_regs *ctx)
{
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
	hash = stack_here(ctx, task, task->pending[thrown].id);
	for (layer = 0; layer < MS_LAYER_NR; layer++) {
		struct pending *open = &task->pending[layer];

		if (!open->sp || !rows[MS_COOKIE_ROW(open->cookie) % MS_ROWS_MAX].throws)
			continue;
		open->sp = 0;
		account_failed(open->id, layer, hash, open->size);
	}
	return 0;
}

/* ---- the tensor layer -------------------------------------------------------- */

/* A function that is told of a new block: its own caller's stack, from here. */
static __always_inline void on_told(struct pt_regs *ctx, struct task_state *task,
				    const struct ms_block_key *key, const struct ms_row *row,
				    __u64 cookie, __u64 size)
{
	__u64 hash = stack_here(ctx, task, key->id);

	task->last_alloc = key->address;
	task->last_free = 0;
	account_alloc(key, row->layer, size, hash, bpf_ktime_get_ns());
	tensor_block(MS_TENSOR_ALLOC, row, cookie, key, size, hash, task);
}

static __always_inline void on_told_free(struct task_state *task, struct pending *open,
					 const struct ms_block_key *key, const struct ms_row *row,
					 __u64 cookie)
{
	__s64 size = on_free(task, open, key, row->layer);

	if (size >= 0)
		tensor_block(MS_TENSOR_FREE, row, cookie, key, size, 0, task);
}

/*
 * PyTorch's reportMemoryUsageToProfiler(), which every allocator calls for every block,
 * but that of the host only while it is being profiled, and then says how much it has
 * allocated in all; we know those blocks.  What is mapped from files says 0.
 */
static __always_inline void on_report(struct pt_regs *ctx, struct task_state *task,
				      struct pending *open, struct ms_block_key *key,
				      const struct ms_row *row, __u64 cookie,
				      const struct registers *r)
{
	__s64 bytes = (__s64)argument(r, row->size_arg);
	__u16 device = argument(r, row->device_arg);
	__u64 total = argument(r, row->total_arg);

	if (MS_DEVICE_TYPE(device) == MS_DEVICE_CPU)
		device = 0; /* its index is -1 */
	key->space = MS_SPACE(row->layer, device);
	if (bytes > 0 && (MS_DEVICE_TYPE(device) != MS_DEVICE_CPU || !total))
		on_told(ctx, task, key, row, cookie, bytes);
	if (bytes < 0 && (MS_DEVICE_TYPE(device) != MS_DEVICE_CPU || !total))
		on_told_free(task, open, key, row, cookie);
}

static __always_inline void on_failed(struct pt_regs *ctx, struct task_state *task, __u32 id,
				      const struct ms_row *row, __u64 size)
{
	account_failed(id, row->layer, stack_here(ctx, task, id), size);
}

/* Tensors are about to be changed: one is given by where its pointer lies, as a list is. */
static __always_inline void on_update(struct pt_regs *ctx, __u32 id, const struct ms_row *row,
				      __u64 cookie, const struct registers *r)
{
	__u64 list[2] = {argument(r, row->ptr_arg), row->lists ? argument(r, row->ptr_arg + 1) : 1};
	int i;

	updates_tell(id, row, cookie, list[0], list[1]);
	MS_UNROLL
	for (i = 1; i < MS_LISTS_MAX; i++) {
		if (i >= row->lists)
			return;
		arch_pair(ctx, r, i - 1, list);
		updates_tell(id, row, cookie, list[0], list[1]);
	}
}

/* What is neither an allocation function nor known to all layers. */
static __always_inline void on_tensor(struct pt_regs *ctx, struct task_state *task,
				      struct pending *open, __u32 id, const struct ms_row *row,
				      __u64 cookie, const struct registers *r)
{
	__u64 address = argument(r, row->ptr_arg);
	struct ms_block_key key = {.id = id, .space = row->layer, .address = address};
	struct ms_tensor_event *e;

	if (row->only_arg && (__u8)argument(r, row->only_arg) != row->only_value)
		return;
	switch (row->kind) {
	case MS_KIND_ALLOC:
		if (address && argument(r, row->size_arg))
			on_told(ctx, task, &key, row, cookie, argument(r, row->size_arg));
		break;
	case MS_KIND_FREE:
		on_told_free(task, open, &key, row, cookie);
		break;
	case MS_KIND_REPORT:
		on_report(ctx, task, open, &key, row, cookie, r);
		break;
	case MS_KIND_FAILED:
		/* The host's allocator says so itself; this is its echo, while it is profiled. */
		if (row->device_arg &&
		    MS_DEVICE_TYPE(argument(r, row->device_arg)) == MS_DEVICE_CPU)
			break;
		on_failed(ctx, task, id, row, argument(r, row->size_arg));
		break;
	case MS_KIND_SHAPE:
		tensor_shape(task, argument(r, row->dims_arg), argument(r, row->dims_arg + 1),
			     argument(r, row->dtype_arg));
		break;
	case MS_KIND_USAGE:
		e = tensor_event(MS_TENSOR_USAGE, id, row, cookie);
		if (!e)
			break;
		e->address = address;
		e->size = argument(r, row->size_arg);
		bpf_ringbuf_submit(e, event_wakes());
		break;
	case MS_KIND_PARAMETER:
		tensor_parameter(address, id, row, cookie);
		break;
	case MS_KIND_UPDATE:
		/* Steps of optimizers are ranges; all other places are left quickly. */
		if (task->range_nr)
			on_update(ctx, id, row, cookie, r);
		break;
	case MS_KIND_RANGE:
		range_call(MS_TENSOR_BEGIN, id, row, cookie, r->sp);
		break;
	case MS_KIND_NAME:
		range_name(task, row, argument(r, row->name_arg));
		break;
	case MS_KIND_PUSH:
		if (row->name_arg)
			range_name(task, row, argument(r, row->name_arg));
		range_push(task, id, row, cookie, r->sp, address, stack_here(ctx, task, id));
		break;
	case MS_KIND_POP:
		range_pop(task, id, row, cookie, r->sp, address);
		break;
	}
}

/* The return of a call that is a range. */
static __always_inline int on_range_end(const struct ms_row *row, __u64 cookie, __u64 sp)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (proc && proc->flags & MS_PROC_READY && !stopped)
		range_call(MS_TENSOR_END, proc->id, row, cookie, sp - MS_RETURN_POPS);
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
	struct registers *r;
	int is_open;

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
	/* Not on the stack, of which all frames together have 512 bytes. */
	r = &task->registers;
	registers_read(ctx, r);
	open = &task->pending[layer];
	if (open->sp && open->id != proc->id)
		open->sp = 0; /* from before an exec */
	if (row->kind >= MS_KIND_REPORT || row->at_entry ||
	    (layer == MS_LAYER_TENSOR && row->kind == MS_KIND_FREE)) {
		on_tensor(ctx, task, open, proc->id, row, cookie, r);
		return row->kind == MS_KIND_RANGE && !row->throws;
	}
	if (row->kind == MS_KIND_FREE && layer != MS_LAYER_GPU) {
		struct ms_block_key key = {
		    .id = proc->id, .space = layer, .address = argument(r, row->ptr_arg)};

		on_free(task, open, &key, layer);
		return 0;
	}
	is_open = on_call(r, open, proc->id, row, cookie);
	if (is_open && layer == MS_LAYER_GPU) {
		arch_arguments_more(ctx, r, &task->gpu_argument[6]);
		gpu_begin(task, open, row);
	}
	return is_open;
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
			if (layer == MS_LAYER_TENSOR)
				tensor_block(MS_TENSOR_FREE, row, open->cookie, &key,
					     open->old_block.size, 0, 0);
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
	__u32 tid = bpf_get_current_pid_tgid();
	const struct ms_row *row = &rows[MS_COOKIE_ROW(cookie) % MS_ROWS_MAX];
	struct task_state *task = bpf_map_lookup_elem(&tasks, &tid);
	__u32 layer = row->layer;
	struct ms_block_key key;
	__u64 address = 0, now_ns = 0, hash = 0;
	struct pending *open;

	if (row->kind == MS_KIND_RANGE)
		return on_range_end(row, cookie, sp);
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
	if (layer != MS_LAYER_GPU) {
		address = result_of(ctx, open, row);
		now_ns = bpf_ktime_get_ns();
		if (open->old)
			old_settle(open, row, layer, address, now_ns);
		if (!address && !open->size)
			return 0; /* nothing was wanted; realloc(p, 0) has freed */
	}
	if (row->kind == MS_KIND_ALLOC || row->kind == MS_KIND_REALLOC)
		hash = stack_of_call(ctx, task, open, ip, sp);
	if (layer == MS_LAYER_GPU)
		return gpu_end(task, open, row, PT_REGS_RC(ctx), hash);
	if (!address) {
		account_failed(open->id, layer, hash, open->size);
		return 0;
	}
	key = (struct ms_block_key){.id = open->id, .space = layer, .address = address};
	task->last_alloc = address;
	task->last_free = 0;
	account_alloc(&key, layer, open->size, hash, now_ns);
	if (layer == MS_LAYER_TENSOR)
		tensor_block(MS_TENSOR_ALLOC, row, open->cookie, &key, open->size, hash, task);
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

/* For the session's program, see stay_on_stack(). */
struct no_programs no_sessions SEC(".maps");

/* Returns 1 if the call needs its return probe. */
static __always_inline int on_probe(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);

	return cookie & MS_COOKIE_RETURN ? on_return_instruction(ctx, cookie)
					 : on_entry(ctx, cookie);
}

/*
 * The same pair for each way to attach; the loader loads one of them
 * (probe/attach.c).  perf and multi want two programs, session one, and multi's first for what
 * does not return.
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
	if (stack_per_cpu)
		bpf_tail_call(ctx, &no_sessions, 0);
	if (PT_REGS_IP(ctx) != bpf_get_func_ip(ctx))
		return on_return(ctx, bpf_get_attach_cookie(ctx), PT_REGS_IP(ctx), PT_REGS_SP(ctx),
				 0);
	return !on_probe(ctx);
}
