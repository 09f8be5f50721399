/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stack_walk(): the caller's stack as (module, file offset) frames, kept once
 * as a chain of pieces.  Where a file has an unwind table the walk goes by it; code
 * without rows is left by its frame pointer.
 */
#ifndef MS_STACK_BPF_H
#define MS_STACK_BPF_H

#include <bpf/bpf_core_read.h>

#include "arch.bpf.h"
#include "maps.bpf.h"
#include "memo.bpf.h"
#include "pieces.bpf.h"
#include "python.bpf.h"
#include "unwind.bpf.h"

/*
 * Steps of one walk: each emits a frame, skips one of the interpreter's, or undoes
 * a return probe.
 */
#define WALK_STEPS (4 * MS_STACK_DEPTH)
#define MS_END_GOING MS_END_NR
/* A thread's walks between two additions to the global counters. */
#define WALKS_FLUSH 64

struct walk_context {
	struct task_state *task;
	const struct ms_mappings *mappings;
	struct recents *recents;
};

/* ---- return addresses that a return probe has replaced ------------------- */

struct hijack {
	const struct return_instance *next;
	__u64 slot;
	__u64 address;
};

static long hijack_step(__u32 i, void *data)
{
	struct hijack *h = data;
	const struct return_instance *open = h->next;

	if (!open)
		return 1;
	if (BPF_CORE_READ(open, stack) == h->slot) {
		h->address = BPF_CORE_READ(open, orig_ret_vaddr);
		return 1;
	}
	h->next = BPF_CORE_READ(open, next);
	return 0;
}

/* The kernel allows a thread so many open return probes (MAX_URETPROBE_DEPTH). */
#define HIJACKS_MAX 64

/*
 * What a return probe, ours or another tracer's, has put in the return slot at
 * w->slot leads into its trampoline; the address it replaced is in the thread's
 * list.  Returns 1 if it did and w->ip is right now.
 */
static __always_inline int hijack_undo(struct walk *w)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct hijack h = {.slot = w->slot};

	if (!w->slot)
		return 0;
	w->slot = 0;
	h.next = BPF_CORE_READ(task, utask, return_instances);
	bpf_loop(HIJACKS_MAX, hijack_step, &h, 0);
	if (!h.address)
		return 0;
	w->ip = h.address;
	return 1;
}

/* ---- one frame ----------------------------------------------------------- */

/* Adds a frame to the stack; 1, and the walk ends, if there is no room for it. */
static __always_inline int walk_emit(struct walk_context *c, __u64 frame)
{
	struct ms_stack *stack = &c->task->stack;
	__u32 at = stack->nr;

	if (at > MS_STACK_DEPTH) {
		c->task->walk.end = MS_END_TRUNCATED;
		return 1;
	}
	stack->frames[at % (MS_STACK_DEPTH + 1)] = frame;
	stack->nr = at + 1;
	return 0;
}

/*
 * Adds the native frame at w->ip, whose caller has the stack pointer `cfa`,
 * unless it is the interpreter's and Python's frames come in its place.
 * 1 if there is no room for it.
 */
static __always_inline int walk_native(struct walk_context *c, __u64 frame, __u64 cfa)
{
	struct walk *w = &c->task->walk;
	struct python_state *p = &c->task->python;
	__u64 ip = w->ip - !w->exact;
	int replaced = python_concerns(p, ip, w->sp, cfa) ? python_eval(p, ip, w->sp, cfa) : 0;

	/* How the interpreter gets from one Python frame to the next is its own
	 * affair; what it does below the innermost one is not. */
	if (!replaced && p->shown && MS_FRAME_MODULE(frame) == p->walk.module && !native_python)
		return 0;
	if (!replaced || native_python)
		return walk_emit(c, frame);
	if (replaced > 1 && c->task->stack.nr > 1)
		c->task->stack.nr--; /* what it called is a part of it */
	return 0;
}

static __always_inline int has_cfa(__u8 kind)
{
	return kind == MS_RULE_CFA || kind == MS_RULE_PLT || kind == MS_RULE_DEREF;
}

/* The stack pointer of the caller, as far as it is known before it is found. */
static __always_inline __u64 walk_cfa(const struct walk *w, const struct ms_unwind_rule *rule)
{
	if (has_cfa(rule->kind))
		return frame_cfa(w, rule);
	if (rule->kind == MS_RULE_NONE && w->fp >= w->sp && w->fp - w->sp <= FRAME_BYTES_MAX)
		return w->fp + 16;
	return w->sp + 8;
}

/* One native frame.  Why the walk ends with it, or -1 if it goes on. */
static __always_inline int walk_frame(struct walk_context *c, const struct memo *memo)
{
	const struct ms_unwind_rule *rule = &memo->rule;
	struct walk *w = &c->task->walk;
	__u64 cfa = walk_cfa(w, rule);
	/* Behind a frame pointer the stack pointer may be another: then it must lead to a call. */
	int guessed = w->sp_unknown && rule->reg == MS_REG_SP, why;

	/* An address that is nowhere is kept only where code may be made. */
	if (!MS_FRAME_MODULE(memo->frame) && c->task->stack.nr > 1 &&
	    !(c->mappings && c->mappings->jit))
		return MS_END_NO_MODULE;
	if (walk_native(c, memo->frame, cfa))
		return MS_END_TRUNCATED;
	if (has_cfa(rule->kind)) {
		why = frame_cfi(w, rule, cfa);
		return !guessed || (why < 0 && follows_call(w->ip, 0)) ? why : MS_END_NO_ROWS;
	}
	if (rule->kind == MS_RULE_SIGNAL)
		return frame_signal(w, rule);
	if (rule->kind == MS_RULE_END)
		return MS_END_ROOT;
	/* It has its own way to find its caller: a frame pointer may be another's. */
	if (rule->kind == MS_RULE_UNSUPPORTED)
		return MS_END_UNSUPPORTED;
	return frame_pointer(w, memo->reason);
}

static long walk_step(__u32 i, void *data)
{
	struct walk_context *c = data;
	struct walk *w = &c->task->walk;
	struct memo *memo;
	__u64 frame = 0; /* up to 6.1 what a function is given must have been written */
	int more;

	if (c->task->python.open) {
		more = python_next(&c->task->python, &frame);
		c->task->python.shown += more == 1;
		if (more == 1 && walk_emit(c, frame))
			return 1;
		if (more)
			return 0;
	}
	if (w->end == MS_END_GOING) {
		memo = memo_get(c->task, c->recents, c->mappings, w->ip - !w->exact);
		if ((memo->rule.kind != MS_RULE_NONE && memo->rule.kind != MS_RULE_UNSUPPORTED) ||
		    !hijack_undo(w)) {
			more = walk_frame(c, memo);
			w->end = more < 0 ? MS_END_GOING : more;
		}
		return 0;
	}
	/* The native walk is over.  If it did not come to the thread's start, Python
	 * may know more of the way. */
	if (w->end == MS_END_ROOT || w->end == MS_END_TRUNCATED || w->rest++ >= MS_PYTHON_CHAINS)
		return 1;
	return !python_rest(&c->task->python);
}

/* ---- the walk ------------------------------------------------------------ */

static __always_inline void walk_count(struct task_state *task)
{
	task->walk_frames += task->stack.nr;
	if (task->stack.end != MS_END_ROOT)
		__sync_fetch_and_add(&walks.ends[task->stack.end % MS_END_NR], 1);
	if (++task->walks % WALKS_FLUSH)
		return;
	__sync_fetch_and_add(&walks.walks, WALKS_FLUSH);
	__sync_fetch_and_add(&walks.frames, task->walk_frames);
	__sync_fetch_and_add(&walks.lookups, task->memo_lookups);
	__sync_fetch_and_add(&walks.memo_hits, task->memo_hits);
	task->walk_frames = task->memo_lookups = task->memo_hits = 0;
}

static __always_inline void walk_start(struct walk *w, const struct position *at)
{
	w->ip = at->ip;
	w->sp = at->sp;
	w->fp = at->fp;
	w->third = at->third;
	w->slot = 0;
	w->sp_unknown = 0;
	w->window_bytes = 0;
	w->exact = at->exact;
	w->by_pointer = 0;
	w->rest = 0;
	w->end = MS_END_GOING;
}

/*
 * Walks the stack of the current thread from task->walk on, into task->stack.  A global function:
 * the verifier goes through it once, not for each place that it is called from.
 */
WALK_FUNCTION int stack_take(struct task_state *task, __u32 image, __u64 first)
{
	struct walk_context c = {.task = task};

	if (!task)
		return 0;
	c.mappings = bpf_map_lookup_elem(&mappings, &image);
	c.recents = recents_get(task, c.mappings);
	python_begin(&task->python, image);
	task->stack.nr = 0;
	if (first)
		walk_emit(&c, first);
	bpf_loop(WALK_STEPS, walk_step, &c, 0);
	task->stack.end = task->walk.end == MS_END_GOING ? MS_END_TRUNCATED : task->walk.end;
	task->stack.by_pointer = task->walk.by_pointer;
	task->stack.origin = task->python.shown ? 0 : task->origin;
	walk_count(task);
	if (task->stack.end == MS_END_TRUNCATED)
		loss_add(MS_LOSS_stacks_truncated, 1);
	notes_add(&task->stack);
	return 1;
}

/*
 * Walks it and keeps it.  `first`, if not 0, is a frame that goes before what is found: the
 * probed function.  Returns the hash, or MS_STACK_OTHER when it could not be kept.  (Up to 6.1 a
 * global function cannot put what it is given into a map.)
 */
static __always_inline __u64 stack_walk(const struct position *at, struct task_state *task,
					__u32 image, __u64 first)
{
	walk_start(&task->walk, at);
	stack_take(task, image, first);
	return stack_keep(&task->stack, 0, &task->keeping);
}

#endif
