/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that no compiler lays out: without rows, or with rows of every form that
 * hand-written code has.  Each function calls its only argument.
 */
#ifdef __x86_64__
	.text

	.macro function name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.endm

	.macro done name
	.size	\name, . - \name
	.endm

/* No rows, but a frame pointer. */
function asm_pointer
	push	%rbp
	mov	%rsp, %rbp
	sub	$48, %rsp
	call	*%rdi
	leave
	ret
done asm_pointer

/* The CFA lies at RBX. */
function asm_rbx
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	mov	%rsp, %rbx
	.cfi_def_cfa %rbx, 16
	sub	$200, %rsp
	and	$-64, %rsp
	call	*%rdi
	mov	%rbx, %rsp
	.cfi_def_cfa %rsp, 16
	pop	%rbx
	.cfi_def_cfa_offset 8
	.cfi_restore %rbx
	ret
	.cfi_endproc
done asm_rbx

/* A realigned stack as gcc lays it out: the CFA is kept at RBP - 8, RBP at RBP. */
function asm_deref
	.cfi_startproc
	lea	8(%rsp), %r10
	.cfi_def_cfa %r10, 0
	and	$-64, %rsp
	push	-8(%r10)
	push	%rbp
	mov	%rsp, %rbp
	/* DW_CFA_expression: RBP at breg6 (RBP) + 0 */
	.cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00
	push	%r10
	/* DW_CFA_def_cfa_expression: breg6 - 8, deref */
	.cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06
	sub	$40, %rsp
	call	*%rdi
	add	$40, %rsp
	pop	%r10
	.cfi_def_cfa %r10, 0
	pop	%rbp
	lea	-8(%r10), %rsp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
done asm_deref

/* Every register that survives a call holds something else here. */
function asm_clobber
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	push	%rbx
	.cfi_def_cfa_offset 24
	.cfi_offset %rbx, -24
	push	%r12
	.cfi_def_cfa_offset 32
	.cfi_offset %r12, -32
	push	%r13
	.cfi_def_cfa_offset 40
	.cfi_offset %r13, -40
	push	%r14
	.cfi_def_cfa_offset 48
	.cfi_offset %r14, -48
	push	%r15
	.cfi_def_cfa_offset 56
	.cfi_offset %r15, -56
	sub	$8, %rsp
	.cfi_def_cfa_offset 64
	/* a frame pointer that leads to a frame which is not the caller's */
	lea	24(%rsp), %rbp
	mov	$-1, %rbx
	mov	%rbx, %r12
	mov	%rbx, %r13
	mov	%rbx, %r14
	mov	%rbx, %r15
	call	*%rdi
	add	$8, %rsp
	.cfi_def_cfa_offset 56
	pop	%r15
	.cfi_def_cfa_offset 48
	pop	%r14
	.cfi_def_cfa_offset 40
	pop	%r13
	.cfi_def_cfa_offset 32
	pop	%r12
	.cfi_def_cfa_offset 24
	pop	%rbx
	.cfi_def_cfa_offset 16
	pop	%rbp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
done asm_clobber

/* The CFA lies at a register that few have a use for. */
function asm_odd
	.cfi_startproc
	push	%r12
	.cfi_def_cfa_offset 16
	.cfi_offset %r12, -16
	mov	%rsp, %r12
	.cfi_def_cfa %r12, 16
	sub	$200, %rsp
	and	$-64, %rsp
	call	*%rdi
	mov	%r12, %rsp
	.cfi_def_cfa %rsp, 16
	pop	%r12
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
done asm_odd

/* Neither rows nor a frame pointer. */
function asm_blind
	sub	$136, %rsp
	call	*%rdi
	add	$136, %rsp
	ret
done asm_blind

#endif
	.section .note.GNU-stack, "", @progbits
