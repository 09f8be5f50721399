/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The unwind table of one file: how to get from a frame to its caller, for
 * every address of its code.  user/unwind/ compiles .eh_frame into it, the BPF
 * programs walk by it, and it is what the cache keeps.  Little-endian.
 *
 * A table is an array of blocks of MS_UNWIND_BLOCK bytes, so that in the kernel
 * it is a BPF array of its exact size, one element a block, and a pointer to an
 * element can be indexed without asking the verifier again:
 *
 *   block 0                  struct ms_unwind_header
 *   header.directory …       struct ms_unwind_entry for each KiB (granule) of code
 *   header.row_block …       rows: uint32_t, see MS_UNWIND_ROW
 *   header.rule_block …      struct ms_unwind_rule, the distinct ones
 *
 * The rows of a granule never straddle two blocks (a KiB of code has at most
 * 1,024), are sorted, and the first is at offset 0 of its granule: the search is
 * ten steps inside one block, whatever the size of the file.
 */
#ifndef MS_UNWIND_H
#define MS_UNWIND_H

#include <linux/types.h>

#include "arch.h"
#include "memsnoop.h"

#define MS_UNWIND_MAGIC 0x3177756d /* "muw1": change it with the format */
#define MS_UNWIND_BLOCK 4096
#define MS_UNWIND_GRANULE_SHIFT 10
#define MS_UNWIND_GRANULE (1 << MS_UNWIND_GRANULE_SHIFT)
#define MS_UNWIND_ENTRIES (MS_UNWIND_BLOCK / sizeof(struct ms_unwind_entry))
#define MS_UNWIND_ROWS (MS_UNWIND_BLOCK / sizeof(__u32))
#define MS_UNWIND_ROW_BITS 10 /* 2^10 rows in a block */
#define MS_UNWIND_RULES (MS_UNWIND_BLOCK / sizeof(struct ms_unwind_rule))

struct ms_unwind_header {
	__u32 magic;
	__u32 blocks;    /* in all, this one included */
	__u64 start;     /* file offset of the first granule, a multiple of its size */
	__u32 granules;  /* from start on */
	__u32 directory; /* block numbers */
	__u32 row_block;
	__u32 rule_block;
	__u32 rows; /* used, without what pads the blocks */
	__u32 rules;
	__u32 refused; /* functions with rules of a form we do not have: MS_RULE_UNSUPPORTED */
	__u32 pad;
	__u8 build_id[32]; /* the file's, zero-padded */
	__u32 build_id_size;
	__u32 checksum; /* CRC-32 of the whole table with this field 0 (zlib's crc32) */
};

struct ms_unwind_entry {
	__u32 first; /* row number: block header.row_block + first / MS_UNWIND_ROWS */
	__u32 nr;    /* rows of this granule, at least 1 */
};

/* A row: from this offset in the granule on, this rule holds. */
#define MS_UNWIND_RULE_BITS 22
#define MS_UNWIND_ROW(offset, rule) ((__u32)(offset) << MS_UNWIND_RULE_BITS | (rule))
#define MS_UNWIND_ROW_OFFSET(row) ((row) >> MS_UNWIND_RULE_BITS)
#define MS_UNWIND_ROW_RULE(row) ((row) & ((1u << MS_UNWIND_RULE_BITS) - 1))

enum ms_rule_kind {
	MS_RULE_NONE,        /* no information: a gap, hand-written assembly */
	MS_RULE_CFA,         /* CFA = reg + cfa_offset */
	MS_RULE_DEREF,       /* CFA = *(reg + cfa_offset) + param: realigned stacks */
	MS_RULE_PLT,         /* CFA = RSP + cfa_offset + ((RIP & 15) >= param ? 8 : 0) */
	MS_RULE_SIGNAL,      /* signal frame: registers in the ucontext at SP + cfa_offset */
	MS_RULE_END,         /* the return address is undefined: outermost frame */
	MS_RULE_UNSUPPORTED, /* there is information, in a form we do not have; param: which (for
				user/) */
};

/*
 * What became of a callee-saved register.  The return address is always at CFA - 8 on
 * x86-64; on arm64 it is the third register's.
 */
enum ms_rule_saved {
	MS_SAVED_SAME,      /* unchanged (also: undefined) */
	MS_SAVED_AT_CFA,    /* at CFA + offset */
	MS_SAVED_AT_FP,     /* at FP + offset (DW_CFA_expression in realigned frames) */
	MS_SAVED_CFA_VALUE, /* its value is CFA + offset (DW_CFA_val_offset) */
};

struct ms_unwind_rule {
	__u8 kind; /* enum ms_rule_kind */
	__u8 reg;  /* enum ms_rule_reg */
	__u8 fp;   /* enum ms_rule_saved */
	__u8 third;
	__s32 cfa_offset;
	__s16 fp_offset;
	__s16 third_offset;
	__s32 param;
};

/*
 * The number of the last row of a granule that begins at or before `offset` (in
 * the granule): `rows` is a whole block of them, `first` and `nr` say which are
 * the granule's.  Without branches, as in mapping.h.
 */
static inline __attribute__((always_inline)) __u32 unwind_search(const __u32 *rows, __u32 first,
								 __u32 nr, __u32 offset)
{
	__u32 at = 0, go;
	int bit;

	MS_UNROLL
	for (bit = MS_UNWIND_ROW_BITS - 1; bit >= 0; bit--) {
		asm volatile("" : "+r"(at)); /* as in mapping.h */
		/* Top bit set exactly when at + 2^bit < nr and its offset <= offset:
		 * all of these numbers are below 2^11. */
		go = at + (1 << bit) - nr;
		go &= MS_UNWIND_ROW_OFFSET(rows[(first + at + (1 << bit)) % MS_UNWIND_ROWS]) -
		      offset - 1;
		at += go >> (31 - bit) & 1 << bit;
	}
	asm volatile("" : "+r"(at));
	return rows[(first + at) % MS_UNWIND_ROWS];
}

#endif
