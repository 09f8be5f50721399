/* SPDX-License-Identifier: GPL-2.0 */
/* What a probe's program reads of its registers, on each processor. */
#ifndef MS_ARCH_PROBE_BPF_H
#define MS_ARCH_PROBE_BPF_H

#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "arch.bpf.h"
#include "maps.bpf.h"

#ifdef MS_ARM64

/* At the entry of a function. */
static __always_inline void registers_read(struct pt_regs *ctx, struct registers *r)
{
	const struct user_pt_regs *regs = (const void *)ctx;

	r->argument[0] = 0;
	r->argument[1] = regs->regs[0];
	r->argument[2] = regs->regs[1];
	r->argument[3] = regs->regs[2];
	r->argument[4] = regs->regs[3];
	r->argument[5] = regs->regs[4];
	r->argument[6] = regs->regs[5];
	r->argument[7] = 0;
	r->sp = regs->sp;
	r->back = regs->regs[30];
}

/* The seventh and eighth argument, at the entry. */
static __always_inline void arch_arguments_more(struct pt_regs *ctx, const struct registers *r,
						__u64 *out)
{
	const struct user_pt_regs *regs = (const void *)ctx;

	out[0] = regs->regs[6];
	out[1] = regs->regs[7];
}

/* A pair of arguments behind the sixth: the first such pair is 0. */
static __always_inline void arch_pair(struct pt_regs *ctx, const struct registers *r, __u32 number,
				      __u64 *pair)
{
	const struct user_pt_regs *regs = (const void *)ctx;

	pair[0] = number ? 0 : regs->regs[6];
	pair[1] = number ? 0 : regs->regs[7];
	if (number)
		bpf_probe_read_user(pair, 2 * sizeof(*pair), (void *)(r->sp + 16 * (number - 1)));
}

/* Where the call returns to that has just been entered. */
static __always_inline long arch_back(const struct registers *r, __u64 *address)
{
	*address = r->back;
	return 0;
}

/* The same at an instruction that returns. */
static __always_inline long arch_back_now(struct pt_regs *ctx, __u64 *address)
{
	*address = arch_strip(((const struct user_pt_regs *)ctx)->regs[30]);
	return 0;
}

/* The register at a function's first instruction: it leads back. */
static __always_inline __u64 arch_third(struct pt_regs *ctx)
{
	return ((const struct user_pt_regs *)ctx)->regs[30];
}

/* When a call has returned the register is whatever the call left there. */
static __always_inline __u64 arch_third_after(struct pt_regs *ctx)
{
	return 0;
}

#else

/* At the entry of a function. */
static __always_inline void registers_read(struct pt_regs *ctx, struct registers *r)
{
	r->argument[0] = 0;
	r->argument[1] = PT_REGS_PARM1(ctx);
	r->argument[2] = PT_REGS_PARM2(ctx);
	r->argument[3] = PT_REGS_PARM3(ctx);
	r->argument[4] = PT_REGS_PARM4(ctx);
	r->argument[5] = PT_REGS_PARM5(ctx);
	/* libbpf 1.1 has no PT_REGS_PARM6 for user functions. */
	r->argument[6] = ctx->r9;
	r->argument[7] = 0;
	r->sp = PT_REGS_SP(ctx);
	r->back = 0;
}

/* The seventh and eighth argument, at the entry: above the return address. */
static __always_inline void arch_arguments_more(struct pt_regs *ctx, const struct registers *r,
						__u64 *out)
{
	if (bpf_probe_read_user(out, 2 * sizeof(*out), (void *)(r->sp + 8)))
		out[0] = out[1] = 0;
}

/* A pair of arguments behind the sixth: the first such pair is 0. */
static __always_inline void arch_pair(struct pt_regs *ctx, const struct registers *r, __u32 number,
				      __u64 *pair)
{
	pair[0] = pair[1] = 0;
	bpf_probe_read_user(pair, 2 * sizeof(*pair), (void *)(r->sp + 8 + 16 * number));
}

/* Where the call returns to that has just been entered; not 0 if that cannot be read. */
static __always_inline long arch_back(const struct registers *r, __u64 *address)
{
	return bpf_probe_read_user(address, sizeof(*address), (void *)r->sp);
}

/* The same at an instruction that returns. */
static __always_inline long arch_back_now(struct pt_regs *ctx, __u64 *address)
{
	return bpf_probe_read_user(address, sizeof(*address), (void *)PT_REGS_SP(ctx));
}

/* The register at a function's first instruction, and when a call has returned. */
static __always_inline __u64 arch_third(struct pt_regs *ctx)
{
	return ctx->rbx;
}

static __always_inline __u64 arch_third_after(struct pt_regs *ctx)
{
	return ctx->rbx;
}

#endif

#endif
