/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ONE entry and return pair serves every allocation function of every library:
 * the cookie names a row of the probe table, and the row says what to read.
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
#include "alloc_call.bpf.h"
#include "event.bpf.h"
#include "gpu.bpf.h"
#include "told.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define SIGURG 23

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
