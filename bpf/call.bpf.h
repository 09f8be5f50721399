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

/* The process `tgid` if it is ours and counts, else NULL. */
static __always_inline struct ms_proc *counted_proc(__u32 tgid)
{
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);

	return proc && proc->flags & MS_PROC_READY && !stopped ? proc : 0;
}

/*
 * `exact`: it was interrupted at that instruction (a page fault); else it made a
 * system call, and the instruction is the one before.
 */
static __always_inline void user_position(struct task_struct *thread, __u32 exact,
					  struct position *at)
{
	arch_user_position(thread, at);
	at->exact = exact;
}

#endif
