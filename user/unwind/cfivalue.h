/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a DWARF expression computes, as far as an unwind rule can say it: the
 * expression is run on symbolic values.  Private to cfi.c and cfirule.c.
 */
#ifndef MS_CFIVALUE_H
#define MS_CFIVALUE_H

#include <stdint.h>

#include "arch.h"
#include "unwind/cursor.h"

/* Not a register: the canonical frame address, which register expressions start from. */
#define CFI_BASE_CFA 255
#define CFI_BASE_NONE 254 /* a register that no rule is made of */

enum cfi_value_kind {
	CFI_VALUE_UNKNOWN,  /* something else */
	CFI_VALUE_CONST,    /* add */
	CFI_VALUE_SUM,      /* base + offset */
	CFI_VALUE_MEMORY,   /* *(base + offset) + add */
	CFI_VALUE_RIP_LOW,  /* RIP & 15 */
	CFI_VALUE_RIP_LATE, /* ((RIP & 15) >= add) << offset */
	CFI_VALUE_PLT,      /* base + offset + ((RIP & 15) >= add ? 8 : 0) */
};

struct cfi_value {
	uint8_t kind; /* enum cfi_value_kind */
	uint8_t base; /* register number or CFI_BASE_CFA */
	int64_t offset;
	int64_t add;
};

/*
 * Runs `expression`.  With `initial` that value is on the stack at first (the
 * CFA, for a register's rule).  CFI_VALUE_UNKNOWN if it is malformed or computes
 * what is none of the forms above.
 */
struct cfi_value cfi_value_run(struct cursor expression, const struct cfi_value *initial);

#endif
