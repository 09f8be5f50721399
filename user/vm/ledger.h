/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of one image's mapped memory: by stack and in all, with the same
 * arithmetic of the peak as in the kernel (peak.h), so that each stack's share
 * of it is exact.
 */
#ifndef MS_LEDGER_H
#define MS_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "memsnoop.h"
#include "vm/bystack.h"
#include "vm/extents.h"

struct ledger_stack {
	uint64_t stack; /* its name */
	struct ms_stack_totals totals;
};

struct ledger {
	struct ms_totals totals;
	struct by_stack stacks; /* of struct ledger_stack */
};

void ledger_init(struct ledger *ledger);
void ledger_free(struct ledger *ledger);
/* Sees to it that there are totals of this stack.  0 or -ENOMEM. */
int ledger_open(struct ledger *ledger, uint64_t stack);
/* An extent that was mapped; its stack is open. */
void ledger_mapped(struct ledger *ledger, const struct extent *extent);
/*
 * A piece that was taken out of an extent at `now_ns`; `left` is how many parts
 * of it stay.  Its bytes are freed.  The extent is freed if nothing stays; around
 * a hole two stay, and the second counts as one more allocation, of 0 bytes.  So
 * a stack's allocations less its frees are its extents.
 */
void ledger_unmapped(struct ledger *ledger, const struct extent *piece, int left, uint64_t now_ns);

#endif
