/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* arm64: a call leaves the return address in X30, the link register. */
#ifndef MS_ARCH_ARM64_H
#define MS_ARCH_ARM64_H

#define MS_MODULE_SHIFT 48 /* bits of an address of user space, if it does not ask for more */

/* The registers that a walk follows, by DWARF's numbers.  The third is X30 itself. */
enum ms_rule_reg { MS_REG_FP = 29, MS_REG_THIRD = 30, MS_REG_RETURN = 30, MS_REG_SP = 31 };
#define MS_REG_LAST 31

/* A call is named by its caller's stack pointer, which is that of the entry. */
#define MS_RETURN_POPS 0

/*
 * In a ucontext (arch/arm64/include/uapi/asm/ucontext.h): the mcontext begins at 176 with
 * the address of a fault, then come X0 to X30, SP and PC.
 */
#define MS_UCONTEXT_X(n) (176 + 8 + 8 * (n))
#define MS_UCONTEXT_FP MS_UCONTEXT_X(29)
#define MS_UCONTEXT_THIRD MS_UCONTEXT_X(30)
#define MS_UCONTEXT_SP MS_UCONTEXT_X(31)
#define MS_UCONTEXT_IP MS_UCONTEXT_X(32)

/* mov x8, #139; svc #0: rt_sigreturn.  A siginfo of 128 bytes lies below the ucontext. */
#define MS_SIGRETURN_CODE                                                                          \
	{                                                                                          \
		0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4                                           \
	}
#define MS_SIGRETURN_CONTEXT 128
/* It lies among functions of the vDSO (without rows since 5.9, commit 87676cfca141). */
#define MS_SIGRETURN_GAP 8

#define MS_ELF_MACHINE 183 /* EM_AARCH64 */

#endif
