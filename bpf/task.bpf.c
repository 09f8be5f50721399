/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fork, exec and exit of traced processes: a child of one is traced too, an
 * exec starts a new image, an exit ends it.  These run for every process of
 * the machine and leave at once where the process is not ours.
 *
 * Each is there twice; the loader takes perf's tracepoints where a program of the
 * other kind can be preempted, which then misses others (user/probe/preempt.h).
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "memsnoop.h"
#include "maps.bpf.h"
#include "event.bpf.h"
#include "stack.bpf.h"
#include "thread.bpf.h"

static const struct ms_image image_zero;
static const struct ms_stack_totals other_zero;

/* A new image with its table entries, 0 if a table is full. */
static __u32 image_new(void)
{
	struct ms_stack_key key = {.hash = MS_STACK_OTHER};
	__u32 id = __sync_fetch_and_add(&next_image, 1) + 1;
	int layer;

	if (bpf_map_update_elem(&images, &id, &image_zero, BPF_NOEXIST))
		return 0;
	key.id = id;
	for (layer = 0; layer < MS_LAYER_NR; layer++) {
		key.layer = layer;
		if (bpf_map_update_elem(&totals, &key, &other_zero, BPF_NOEXIST))
			return 0;
	}
	return id;
}

static __always_inline __u64 task_start(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	if (bpf_core_field_exists(leader->start_boottime))
		return BPF_CORE_READ(leader, start_boottime);
	return BPF_CORE_READ((struct task_struct___old *)leader, real_start_time);
}

/*
 * A thread begins.  In a process that runs Python, whoever starts it is asked for
 * its Python frames: the thread may never have any of its own (the workers of a
 * backward pass), and then they say what it is for.
 */
static int on_thread(struct task_struct *parent, struct task_struct *child,
		     const struct ms_proc *proc)
{
	__u32 tid = BPF_CORE_READ(parent, pid), child_tid = BPF_CORE_READ(child, pid);
	struct task_state *task, *child_task;
	struct position at = {.exact = 1};
	__u32 id = proc->id;
	__u64 origin;

	if (!(proc->flags & MS_PROC_READY) || stopped || !bpf_map_lookup_elem(&pythons, &id))
		return 0;
	task = thread_get(tid);
	if (!task)
		return 0;
	arch_user_position(parent, &at);
	origin = stack_walk(&at, task, id, 0);
	if (!task->python.shown)
		origin = task->origin;
	if (!origin)
		return 0;
	child_task = thread_get(child_tid);
	if (child_task)
		child_task->origin = origin;
	return 0;
}

/* Runs in the parent, before the child's first instruction. */
static __always_inline int fork_note(struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid);
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid), new = {};
	struct ms_python *python;
	struct ms_mappings *maps;
	struct ms_event *e;

	if (!proc)
		return 0;
	if (child_tgid == tgid)
		return on_thread(parent, child, proc);
	new.flags = proc->flags &MS_PROC_HOLD;
	new.start_ns = task_start(child);
	if (BPF_CORE_READ(child, mm) == BPF_CORE_READ(parent, mm)) {
		/* vfork: the parent's memory, until the child execs. */
		new.id = proc->id;
		new.flags |= MS_PROC_BORROWED | (proc->flags & MS_PROC_READY);
	} else {
		new.id = image_new();
		maps = bpf_map_lookup_elem(&mappings, &proc->id);
		if (new.id && maps)
			bpf_map_update_elem(&mappings, &new.id, maps, BPF_ANY);
		python = bpf_map_lookup_elem(&pythons, &proc->id);
		if (new.id && python)
			bpf_map_update_elem(&pythons, &new.id, python, BPF_ANY);
	}
	if (!new.id || bpf_map_update_elem(&procs, &child_tgid, &new, BPF_ANY)) {
		loss_add(MS_LOSS_procs_full, 1);
		return 0;
	}
	e = event_reserve(MS_EVENT_FORK, child_tgid, new.id);
	if (!e)
		return 0;
	e->parent = tgid;
	e->old_id = proc->id;
	e->flags = new.flags;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return fork_note(parent, child);
}

/* 6.2, commit 3f0e6f2b41d3; for perf's tracepoints since 6.12. */
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

SEC("?tp/sched/sched_process_fork")
int on_fork_event(struct trace_event_raw_sched_process_fork *event)
{
	struct task_struct *child = bpf_task_from_pid(event->child_pid);

	if (!child)
		return 0;
	fork_note((void *)bpf_get_current_task_btf(), child);
	bpf_task_release(child);
	return 0;
}

/* After the new memory is in place, before its first instruction. */
static __always_inline int exec_note(struct task_struct *task, int old_tid)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), old_id;
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct ms_event *e;

	if (!proc)
		return 0;
	old_id = proc->flags & MS_PROC_BORROWED ? 0 : proc->id;
	proc->flags &= ~MS_PROC_BORROWED;
	proc->id = image_new();
	if (!proc->id) {
		loss_add(MS_LOSS_procs_full, 1);
		bpf_map_delete_elem(&procs, &tgid);
	}
	e = event_reserve(MS_EVENT_EXEC, tgid, proc->id);
	if (!e)
		return 0;
	e->old_id = old_id;
	e->parent = old_tid;
	e->flags = proc->flags;
	e->maxrss_pages = BPF_CORE_READ(task, signal, maxrss);
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_tid)
{
	return exec_note(task, old_tid);
}

SEC("?tp/sched/sched_process_exec")
int on_exec_event(struct trace_event_raw_sched_process_exec *event)
{
	return exec_note((void *)bpf_get_current_task_btf(), event->old_pid);
}

static __always_inline int exit_note(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), tid = BPF_CORE_READ(task, pid);
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct signal_struct *signal;
	struct ms_event *e;

	bpf_map_delete_elem(&tasks, &tid);
	bpf_map_delete_elem(&recents, &tid);
	if (!proc)
		return 0;
	signal = BPF_CORE_READ(task, signal);
	/* do_exit() has counted this thread out already; the last one sees 0. */
	if (BPF_CORE_READ(signal, live.counter))
		return 0;
	e = event_reserve(MS_EVENT_EXIT, tgid, proc->flags & MS_PROC_BORROWED ? 0 : proc->id);
	if (e) {
		e->exit_code = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
				   ? BPF_CORE_READ(signal, group_exit_code)
				   : BPF_CORE_READ(task, group_leader, exit_code);
		e->maxrss_pages = BPF_CORE_READ(signal, maxrss);
		e->flags = proc->flags;
		bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	}
	bpf_map_delete_elem(&procs, &tgid);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return exit_note(task);
}

SEC("?tp/sched/sched_process_exit")
int on_exit_event(void *event)
{
	return exit_note((void *)bpf_get_current_task_btf());
}
