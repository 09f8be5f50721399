/* SPDX-License-Identifier: GPL-2.0 */
/* Registers and code of x86-64. */
#ifndef MS_ARCH_X86_BPF_H
#define MS_ARCH_X86_BPF_H

#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: a 32-bit system call */

/* Where the current thread left user space. */
static __always_inline void arch_user_position(struct task_struct *thread, struct position *at)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);

	at->ip = BPF_CORE_READ(regs, ip);
	at->sp = BPF_CORE_READ(regs, sp);
	at->fp = BPF_CORE_READ(regs, bp);
	at->third = BPF_CORE_READ(regs, bx);
}

static __always_inline __u64 arch_thread_pointer(const struct task_struct *task)
{
	return task->thread.fsbase;
}

/* The arguments of the system call that it is in; from 1. */
#define SYSCALL_ARG1(regs) BPF_CORE_READ(regs, di)
#define SYSCALL_ARG2(regs) BPF_CORE_READ(regs, si)
#define SYSCALL_ARG3(regs) BPF_CORE_READ(regs, dx)
#define SYSCALL_ARG4(regs) BPF_CORE_READ(regs, r10)
#define SYSCALL_ARG5(regs) BPF_CORE_READ(regs, r8)
#define SYSCALL_NUMBER(regs) BPF_CORE_READ(regs, orig_ax)

/* Whether it is a 32-bit one. */
static __always_inline int is_compat(struct task_struct *thread)
{
	return bpf_core_field_exists(thread->thread_info.status) &&
	       BPF_CORE_READ(thread, thread_info.status) & TS_COMPAT;
}

/* A return address as it is in memory. */
static __always_inline __u64 arch_strip(__u64 address)
{
	return address;
}

/*
 * Whether a call instruction ends at `address`; `unread` where the code before
 * it cannot be read.
 */
static __always_inline int follows_call(__u64 address, int unread)
{
	__u8 b[8];

	if (bpf_probe_read_user(b, sizeof(b), (void *)(address - sizeof(b))))
		return unread;
	/* call rel32, or call r/m64 (FF /2) of 2, 3, 4, 6 or 7 bytes */
	return b[3] == 0xe8 || (b[6] == 0xff && (b[7] & 0x38) == 0x10) ||
	       (b[5] == 0xff && (b[6] & 0x38) == 0x10) || (b[4] == 0xff && (b[5] & 0x38) == 0x10) ||
	       (b[2] == 0xff && (b[3] & 0x38) == 0x10) || (b[1] == 0xff && (b[2] & 0x38) == 0x10);
}

#endif
