/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vm layer: the system calls that change what is mapped are told to user
 * space one by one, in their order; it keeps the account, for which ranges must
 * be cut (user/vm/).
 *
 * What munmap(), mremap() and shmdt() take away may be given to another thread, whose
 * call may return first.  So user space hears of their beginning, too.
 */
#include "vmlinux.h"

#include <asm/unistd.h>
#include <linux/bpf.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "memsnoop.h"
#include "maps.bpf.h"
#include "call.bpf.h"
#include "event.bpf.h"
#include "thread.bpf.h"
#include "touch.bpf.h"

/* As in include/uapi/asm-generic/mman-common.h and linux/mman.h. */
#define MAP_FIXED 0x10
#define MADV_DONTNEED 4
#define MADV_REMOVE 9
#define MADV_POPULATE_READ 22 /* 5.14 */
#define MADV_POPULATE_WRITE 23
#define MADV_DONTNEED_LOCKED 24 /* 5.18 */
#define MREMAP_FIXED 2

/* A call's number, and which of the vm layer it is. */
static __always_inline int call_of(long number)
{
	switch (number) {
#define X(name)                                                                                    \
	case __NR_##name:                                                                          \
		return MS_VM_##name;
		MS_VM_CALLS(X)
#undef X
	}
	return -1;
}

static __always_inline struct ms_vm_event *event_begin(const struct ms_proc *proc, __u32 call,
						       struct task_struct *thread)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);
	__u64 who = bpf_get_current_pid_tgid();
	struct ms_vm_event *e;

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		loss_add(MS_LOSS_vm_events, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = MS_EVENT_VM;
	e->tgid = who >> 32;
	e->tid = who;
	e->image = proc->id;
	e->call = call;
	e->argument[0] = SYSCALL_ARG1(regs);
	e->argument[1] = SYSCALL_ARG2(regs);
	e->argument[2] = SYSCALL_ARG3(regs);
	e->argument[3] = SYSCALL_ARG4(regs);
	e->argument[4] = SYSCALL_ARG5(regs);
	e->time_ns = bpf_ktime_get_ns();
	return e;
}

/*
 * Calls whose beginning matters: what they take away is told, or forgotten, before it
 * may be another's; and where the break is must be known when brk() ends.
 */
static __always_inline int has_beginning(int call)
{
	return call == MS_VM_munmap || call == MS_VM_mremap || call == MS_VM_shmdt ||
	       call == MS_VM_brk || call == MS_VM_mmap || call == MS_VM_madvise;
}

static long length_of(struct task_struct *thread, struct vm_area_struct *area, void *data)
{
	*(__u64 *)data = BPF_CORE_READ(area, vm_end) - BPF_CORE_READ(area, vm_start);
	return 0;
}

/*
 * Forgets who touched the pages that a call is about to take away.  Not when it has:
 * they may be another's then.
 */
static __always_inline void forget_touches(struct task_struct *thread, __u32 image, int call)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);
	__u64 start = SYSCALL_ARG1(regs), length = SYSCALL_ARG2(regs), third = SYSCALL_ARG3(regs),
	      flags = SYSCALL_ARG4(regs), end;

	switch (call) {
	case MS_VM_munmap:
		break;
	case MS_VM_mmap:
		if (!(flags & MAP_FIXED))
			return;
		break;
	case MS_VM_madvise:
		if (third != MADV_DONTNEED && third != MADV_REMOVE && third != MADV_DONTNEED_LOCKED)
			return;
		break;
	case MS_VM_mremap:
		if (flags & MREMAP_FIXED)
			touch_forget(image, SYSCALL_ARG5(regs), SYSCALL_ARG5(regs) + third);
		if (third >= length)
			return;
		start += third;
		length -= third;
		break;
	case MS_VM_brk:
		end = BPF_CORE_READ(thread, mm, brk);
		if (start < BPF_CORE_READ(thread, mm, start_brk) || start >= end)
			return;
		length = end - start;
		break;
	case MS_VM_shmdt:
		length = 0;
		bpf_find_vma(thread, start, length_of, &length, 0);
		break;
	default:
		return;
	}
	touch_forget(image, start, start + length);
}

/* A call began. */
static __always_inline int vm_enter(int call)
{
	struct task_struct *thread = (void *)bpf_get_current_task_btf();
	__u64 who = bpf_get_current_pid_tgid();
	struct ms_proc *proc = counted_proc(who >> 32);
	struct task_state *task;
	struct ms_vm_event *e;

	if (!has_beginning(call) || !proc || is_compat(thread))
		return 0;
	if (touches_kept)
		forget_touches(thread, proc->id, call);
	if (call == MS_VM_mmap || call == MS_VM_madvise)
		return 0;
	if (call == MS_VM_brk) {
		task = thread_get(who);
		if (task)
			task->brk = BPF_CORE_READ(thread, mm, brk);
		return 0;
	}
	e = event_begin(proc, call, thread);
	if (!e)
		return 0;
	e->begins = 1;
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

/* Whether the stack that made a call is of interest: it mapped or filled memory, or could not. */
static __always_inline int has_stack(struct task_struct *thread, int call)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);
	__u64 advice;

	if (call == MS_VM_madvise) {
		advice = SYSCALL_ARG3(regs);
		return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	}
	return call != MS_VM_munmap && call != MS_VM_shmdt;
}

/* brk(0), and what the C library does to be told the break. */
static __always_inline int only_asked(struct task_struct *thread, const struct task_state *task,
				      __u64 result)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);

	return result == task->brk && SYSCALL_ARG1(regs) <= result;
}

/* The pages are where they were, or have gone elsewhere, with who touched them. */
static __always_inline void move_touches(struct task_struct *thread, __u32 image, long result)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);
	__u64 start = SYSCALL_ARG1(regs), length = SYSCALL_ARG2(regs), now = SYSCALL_ARG3(regs);

	if (result > 0 && result != (long)start)
		touch_move(image, start, start + (now < length ? now : length), result);
}

/* A call ended. */
static __always_inline int vm_exit(int call, long result)
{
	struct task_struct *thread = (void *)bpf_get_current_task_btf();
	__u64 who = bpf_get_current_pid_tgid(), length = 0, stack = 0;
	struct ms_proc *proc = counted_proc(who >> 32);
	const struct pending *open;
	struct task_state *task;
	struct ms_vm_event *e;
	struct position at;

	if (!proc || is_compat(thread))
		return 0;
	task = thread_get(who);
	if (!task || (call == MS_VM_brk && only_asked(thread, task, result)))
		return 0;
	user_position(thread, 0, &at);
	if (has_stack(thread, call))
		stack = stack_walk(&at, task, proc->id, MS_FRAME(MS_MODULE_CALL, call));
	/* Only the kernel knows how long a segment is. */
	if (call == MS_VM_shmat && result > 0)
		bpf_find_vma(thread, result, length_of, &length, 0);
	if (touches_kept && call == MS_VM_mremap)
		move_touches(thread, proc->id, result);
	e = event_begin(proc, call, thread);
	if (!e)
		return 0;
	open = &task->pending[MS_LAYER_HEAP];
	e->by_allocator = open->sp && open->id == proc->id && open->sp >= at.sp;
	e->result = result;
	e->stack = stack;
	if (call == MS_VM_brk)
		e->argument[1] = task->brk;
	if (call == MS_VM_shmat)
		e->argument[3] = length;
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

/*
 * The same pair for each way to see a system call, best first; the loader loads one
 * of them (collect/kernel_hooks.c).  On the calls' own functions no other call pays.
 */
#define X(name)                                                                                    \
	SEC("?fentry") int BPF_PROG(vm_enter_fentry_##name)                                        \
	{                                                                                          \
		return vm_enter(MS_VM_##name);                                                     \
	}                                                                                          \
	SEC("?fexit") int BPF_PROG(vm_exit_fentry_##name, const struct pt_regs *regs, long result) \
	{                                                                                          \
		return vm_exit(MS_VM_##name, result);                                              \
	}
MS_VM_CALLS(X)
#undef X

SEC("?kprobe")
int vm_enter_kprobe(struct pt_regs *ctx)
{
	return vm_enter(bpf_get_attach_cookie(ctx));
}

SEC("?kretprobe")
int vm_exit_kprobe(struct pt_regs *ctx)
{
	return vm_exit(bpf_get_attach_cookie(ctx), PT_REGS_RC(ctx));
}

/* Tracepoints run for every system call of the machine, and leave at once. */
static __always_inline int any_enter(long number)
{
	int call = call_of(number);

	return call < 0 ? 0 : vm_enter(call);
}

static __always_inline int any_exit(const struct pt_regs___kernel *regs, long result)
{
	int call = call_of(SYSCALL_NUMBER(regs));

	return call < 0 ? 0 : vm_exit(call, result);
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(vm_enter_tracepoint, struct pt_regs *regs, long number)
{
	return any_enter(number);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(vm_exit_tracepoint, struct pt_regs *regs, long result)
{
	return any_exit((void *)regs, result);
}

SEC("?raw_tp/sys_enter")
int vm_enter_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return any_enter(ctx->args[1]);
}

SEC("?raw_tp/sys_exit")
int vm_exit_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return any_exit((void *)ctx->args[0], ctx->args[1]);
}
