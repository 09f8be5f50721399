/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a JIT put its code.  Memory is used again, so ranges overlap: an
 * address belongs to the code that was put there last.
 */
#ifndef MS_JITCODES_H
#define MS_JITCODES_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/image.h"

struct jit_code {
	uint64_t start, end;
	uint64_t
	    time; /* of two at one address the later one counts, of equals the one added last */
	uint64_t name;  /* where its name is: an offset in the file it was read from */
	uint64_t lines; /* where its line numbers are, 0: none */
};

struct jit_codes {
	struct jit_code *items;
	size_t count, room;
	/* Once built: piece i lies from bounds[i] to bounds[i + 1] and is of owners[i]. */
	uint64_t *bounds;
	uint32_t *owners;
	size_t bound_count, built; /* built: how many of the codes are in it */
};

/*
 * Adds a range; an empty one, or one beyond user space, is left out.  0,
 * -E2BIG when there are too many, -ENOMEM when memory or the budget is used up.
 */
int jit_codes_add(struct jit_codes *codes, const struct jit_code *code, struct budget *budget);
/* The code at `address`, or NULL. */
const struct jit_code *jit_codes_find(struct jit_codes *codes, uint64_t address);
void jit_codes_free(struct jit_codes *codes);

#endif
