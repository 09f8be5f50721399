/* SPDX-License-Identifier: GPL-2.0 */
/* Registers and code of arm64. */
#ifndef MS_ARCH_ARM64_BPF_H
#define MS_ARCH_ARM64_BPF_H

#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */

/*
 * A pointer to code may be signed (ARMv8.3): the bits above the address hold the
 * signature.
 */
static __always_inline __u64 arch_strip(__u64 address)
{
	return address & ((1ULL << MS_MODULE_SHIFT) - 1);
}

/* Where the current thread left user space. */
static __always_inline void arch_user_position(struct task_struct *thread, struct position *at)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(thread);

	at->ip = BPF_CORE_READ(regs, pc);
	at->sp = BPF_CORE_READ(regs, sp);
	at->fp = BPF_CORE_READ(regs, regs[29]);
	at->third = BPF_CORE_READ(regs, regs[30]);
}

static __always_inline __u64 arch_thread_pointer(const struct task_struct *task)
{
	return task->thread.uw.tp_value;
}

/* The arguments of the system call that it is in; from 1.  X0 has the result in the end. */
#define SYSCALL_ARG1(r) BPF_CORE_READ(r, orig_x0)
#define SYSCALL_ARG2(r) BPF_CORE_READ(r, regs[1])
#define SYSCALL_ARG3(r) BPF_CORE_READ(r, regs[2])
#define SYSCALL_ARG4(r) BPF_CORE_READ(r, regs[3])
#define SYSCALL_ARG5(r) BPF_CORE_READ(r, regs[4])
#define SYSCALL_NUMBER(r) BPF_CORE_READ(r, syscallno)

/* Whether it is a 32-bit one. */
static __always_inline int is_compat(struct task_struct *thread)
{
	return BPF_CORE_READ(thread, thread_info.flags) >> TIF_32BIT & 1;
}

/*
 * Whether a call instruction ends at `address`; `unread` where the code before
 * it cannot be read.
 */
static __always_inline int follows_call(__u64 address, int unread)
{
	__u32 code;

	if (bpf_probe_read_user(&code, sizeof(code), (void *)(arch_strip(address) - 4)))
		return unread;
	/* BL; BLR and its kinds that check a signature */
	return code >> 26 == 0x25 || (code & 0xfefff000) == 0xd63f0000;
}

#endif
