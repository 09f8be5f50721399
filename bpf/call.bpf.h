/* SPDX-License-Identifier: GPL-2.0 */
/* Where the current thread stands in user space, for programs that run in the kernel. */
#ifndef MS_CALL_BPF_H
#define MS_CALL_BPF_H

#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "maps.bpf.h"
#include "stack.bpf.h"

#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: a 32-bit system call */

/* The process `tgid` if it is ours and counts, else NULL. */
static __always_inline struct ms_proc *counted_proc(__u32 tgid)
{
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);

	return proc && proc->flags & MS_PROC_READY && !stopped ? proc : 0;
}

static __always_inline int is_compat(struct task_struct *thread)
{
	return bpf_core_field_exists(thread->thread_info.status) &&
	       BPF_CORE_READ(thread, thread_info.status) & TS_COMPAT;
}

/*
 * `exact`: it was interrupted at that instruction (a page fault); else it made a
 * system call, and the instruction is the one before.
 */
static __always_inline void user_position(struct task_struct *thread, __u32 exact,
					  struct position *at)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);

	at->ip = BPF_CORE_READ(regs, ip);
	at->sp = BPF_CORE_READ(regs, sp);
	at->fp = BPF_CORE_READ(regs, bp);
	at->bx = BPF_CORE_READ(regs, bx);
	at->exact = exact;
}

#endif
