/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unwind table (bpf/unwind.h) of an ELF file: made from its call frame
 * information, checked, searched.  Keyed by file offset, as frames are.
 *
 * .eh_frame comes first; .debug_frame says what it leaves out; where both are
 * silent, the trampoline that a signal handler returns to is known by its
 * instructions (musl's has no information).  Where functions overlap, code
 * belongs to the one that begins last before it, which is what a search in
 * .eh_frame_hdr finds.  What is in no executable segment is left out.
 */
#ifndef MS_UNWIND_TABLE_H
#define MS_UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind.h"
#include "unwind/sections.h"

/* Bytes of the largest table: four times libtorch_cpu.so's. */
#define UNWIND_TABLE_MAX ((size_t)64 << 20)

struct unwind_table {
	void *blocks; /* block_count of MS_UNWIND_BLOCK bytes, from mmap() */
	size_t block_count;
};

/*
 * Makes the table of the ELF file open at `fd` (whose position is not used), or
 * of one that lies complete in memory (the vDSO).  0, -ENODATA if it has no unwind information,
 * -EFBIG if the table would have more than `max` bytes, -ENOEXEC if it is no
 * x86-64 program or library, or another negative errno.  On success the caller
 * calls unwind_table_free().
 */
int unwind_table_build(int fd, size_t max, struct unwind_table *out);
int unwind_table_from_memory(const void *image, size_t size, size_t max, struct unwind_table *out);
void unwind_table_free(struct unwind_table *table);

/* What a table is made from, copied from the file. */
struct unwind_input {
	const struct unwind_sections *sections; /* the caller's */
	struct cfi_section eh_frame, debug_frame;
	uint64_t digests[2]; /* of these two as they lie in the file */
};

/*
 * 0, -EFBIG or -ENOMEM; on success the caller calls unwind_input_free().  Digests only
 * with a key.
 */
int unwind_input_read(struct unwind_input *input, const struct unwind_sections *sections,
		      const uint8_t *key);
void unwind_input_free(struct unwind_input *input);
/* As unwind_table_build().  *by_code is true if the table depends on instructions too. */
int unwind_table_compile(const struct unwind_input *input, size_t max, struct unwind_table *out,
			 bool *by_code);

/* 0, or -EBADMSG if it is no table, or one that a search could leave. */
int unwind_table_check(const struct unwind_table *table);

static inline const struct ms_unwind_header *unwind_table_header(const struct unwind_table *table)
{
	return table->blocks;
}

/* The rule for the code at a file offset, MS_RULE_NONE in a gap; NULL outside of the table. */
const struct ms_unwind_rule *unwind_table_find(const struct unwind_table *table, uint64_t offset);

/* A stretch of code with one rule. */
struct unwind_span {
	uint64_t start, end; /* file offsets */
	const struct ms_unwind_rule *rule;
};

/*
 * Goes through a table: *span is zeroed at first, then the next span; false
 * after the last.  Those with MS_RULE_UNSUPPORTED are the functions that header.refused
 * counts; cfi_refusal_text(rule->param) says why.
 */
bool unwind_table_next(const struct unwind_table *table, struct unwind_span *span);

#endif
