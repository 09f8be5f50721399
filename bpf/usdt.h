/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Tracepoints that a program brings along (USDT): where their arguments are, which differs from
 * place to place, as the compiler had them at hand.  User space reads it from the file; the
 * program usdt_* (usdt.bpf.c) does as it says.
 */
#ifndef MS_USDT_H
#define MS_USDT_H

#include <linux/types.h>

#define MS_USDT_ARGUMENTS 8 /* a power of two, as is the next one */
#define MS_USDT_LAYOUTS 128 /* different ones, of all files together */

enum ms_usdt_form {
	MS_USDT_NONE, /* it has no such argument, or one of a form that is not known */
	MS_USDT_CONSTANT,
	MS_USDT_REGISTER,
	MS_USDT_MEMORY, /* at base + (index << shift) + value */
};

struct ms_usdt_argument {
	__u8 form;   /* enum ms_usdt_form */
	__u8 size;   /* bytes: 1, 2, 4 or 8 */
	__u8 sign;   /* 1: it is a signed number */
	__u8 shift;  /* of the index */
	__u16 base;  /* a register's place in struct pt_regs, in bytes */
	__u16 index; /* the same, if indexed is set */
	__u8 indexed;
	__u8 pad[7];
	__s64 value; /* the constant, or the displacement */
};

struct ms_usdt {
	struct ms_usdt_argument argument[MS_USDT_ARGUMENTS];
};

/* The BPF cookie of such a probe: which row, and which layout. */
#define MS_USDT_COOKIE(row, layout) ((__u64)(layout) << 32 | (row))
#define MS_USDT_COOKIE_LAYOUT(cookie) ((__u32)((cookie) >> 32))

#endif
