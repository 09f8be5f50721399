/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* x86-64: a call pushes the return address. */
#ifndef MS_ARCH_X86_H
#define MS_ARCH_X86_H

#define MS_MODULE_SHIFT 47 /* bits of an address of user space */

/* The registers that a walk follows, by DWARF's numbers.  The third is RBX. */
enum ms_rule_reg { MS_REG_THIRD = 3, MS_REG_FP = 6, MS_REG_SP = 7, MS_REG_RETURN = 16 };
#define MS_REG_LAST 16

/* From where the return address lies, which names a call, up to the caller's frame (CFA). */
#define MS_RETURN_POPS 8

/* In a ucontext (arch/x86/include/uapi/asm/sigcontext.h). */
#define MS_UCONTEXT_FP 0x78
#define MS_UCONTEXT_THIRD 0x80
#define MS_UCONTEXT_SP 0xa0
#define MS_UCONTEXT_IP 0xa8

/* mov $15,%rax; syscall: rt_sigreturn.  The stack pointer is at the ucontext then. */
#define MS_SIGRETURN_CODE                                                                          \
	{                                                                                          \
		0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05                                        \
	}
#define MS_SIGRETURN_CONTEXT 0
/* Gaps between functions are mere padding; those worth a look are whole files of assembly. */
#define MS_SIGRETURN_GAP 256

#define MS_ELF_MACHINE 62 /* EM_X86_64 */

#endif
