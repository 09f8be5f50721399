/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads and runs call frame information: .eh_frame and .debug_frame of x86-64.
 * The section is the target's file's and not trusted; the time is linear in its
 * size.
 *
 * What is not a function with code is left out: entries of length zero, those
 * that begin at address 0 (the linker threw the function away), that wrap
 * around, or that use a CIE which cannot be read (these are counted).
 */
#ifndef MS_CFI_H
#define MS_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind.h"
#include "unwind/cfirule.h"

struct cfi_section {
	const uint8_t *bytes; /* the caller's, until cfi_close() */
	size_t size;
	uint64_t address; /* of the first byte, as linked */
	bool is_debug;    /* .debug_frame, else .eh_frame */
};

struct cfi_cie {
	uint64_t offset; /* in the section */
	bool is_usable, is_signal, has_sizes /* of augmentation data */;
	uint8_t encoding; /* DW_EH_PE_*, of addresses */
	uint64_t code_factor;
	int64_t data_factor;
	struct cfi_state initial;
};

/* A function, or what an assembler file says is one. */
struct cfi_fde {
	uint64_t start, end;    /* addresses, as linked */
	uint32_t cie;           /* index */
	uint32_t program, past; /* its instructions, offsets in the section */
};

struct cfi {
	struct cfi_section section;
	struct cfi_cie *cies;
	size_t cie_count, cie_room;
	struct cfi_fde *fdes; /* in the section's order */
	size_t fde_count, fde_room;
	size_t unreadable; /* functions whose CIE is of an unknown form or broken */
};

/*
 * Finds the functions of a section.  0, -ENOMEM, or -EFBIG if it has more of
 * them than any program.  What follows an entry that is broken is not read.
 * On success the caller calls cfi_close().
 */
int cfi_open(struct cfi *cfi, const struct cfi_section *section);
void cfi_close(struct cfi *cfi);

/* The rule of the code from address `start` up to `end`. */
typedef void cfi_row(void *context, uint64_t start, uint64_t end,
		     const struct ms_unwind_rule *rule);

/*
 * Says the rules of a function in order of address, without gaps, from its start
 * up to `end` (at most its own).  Where its instructions are broken, the rest of
 * it is refused.  True if any of its rules was.
 */
bool cfi_run(const struct cfi *cfi, const struct cfi_fde *fde, uint64_t end, cfi_row *row,
	     void *context);

/* An address in `encoding` (DW_EH_PE_*); false if it cannot be known from the file. */
bool cfi_read_address(struct cursor *c, const struct cfi_section *section, uint8_t encoding,
		      uint64_t *address);
/* Runs the instructions that every function of a CIE begins with; false if they are broken. */
bool cfi_run_initial(const struct cfi *cfi, struct cfi_cie *cie, struct cursor program);

#endif
