/* SPDX-License-Identifier: GPL-2.0 */
/* stay_on_stack(): for uprobe programs, which run preemptible. */
#ifndef MS_PREEMPTED_BPF_H
#define MS_PREEMPTED_BPF_H

#include <bpf/bpf_helpers.h>

/*
 * Kernels from 6.13 on (commit a76ab5731e32) give kprobe programs, which ours count as,
 * a stack per CPU in place of the kernel's.  But these run preemptible: another
 * thread's program on the same CPU would write over it, and the kernel would crash.
 * Programs with a tail call are left on the kernel's stack.  So here is one,
 * never made: the verifier knows that, and takes it out, after it has counted it.
 * An array serves programs of one kind.
 */
struct no_programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};
struct no_programs no_programs __weak SEC(".maps");
static const volatile __u32 stack_per_cpu = 0;

static __always_inline void stay_on_stack(struct pt_regs *ctx)
{
	if (stack_per_cpu)
		bpf_tail_call(ctx, &no_programs, 0);
}

#endif
