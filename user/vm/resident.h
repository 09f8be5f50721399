/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds the resident pages of a process: the stacks that touched them first.
 * A page belongs to
 *
 *	the stack that touched it; or, if nobody was seen to,
 *	the one that touched the page nearest before it, else after it, where one
 *	  fault brings many: in the same huge page, or of a file in the same 64 KiB;
 *	the call that populated its range (MAP_POPULATE, mlock, MADV_POPULATE_*);
 *	else the stack that mapped it, as "not seen touched".
 *
 * The bytes of all stacks are the resident bytes, exactly.  Beside that, how much
 * of each large heap block was ever touched.
 */
#ifndef MS_RESIDENT_H
#define MS_RESIDENT_H

#include <stddef.h>
#include <stdint.h>

#include "vm/blocks.h"
#include "vm/extents.h"
#include "vm/pagemap.h"
#include "vm/touch.h"

/* Smaller blocks share their pages with others. */
#define RESIDENT_BLOCK_MIN ((uint64_t)128 << 10)

/* All of it the caller's, and unchanged until resident_free(). */
struct resident_input {
	const struct extents *extents;
	const struct extents
	    *populated; /* ranges, by the stack that populated them, born then; or NULL */
	const struct touch *touches; /* touches_sort() */
	size_t touch_count;
	const struct block *blocks; /* blocks_sort(); small ones are passed over */
	size_t block_count;
};

struct resident_stack {
	uint64_t stack;
	uint64_t touched_bytes; /* it touched or populated them */
	uint64_t unseen_bytes;  /* it mapped them, and nobody was seen to touch them */
};

struct resident_blocks {
	uint64_t stack; /* that allocated them */
	uint64_t blocks, bytes;
	uint64_t touched_bytes; /* resident, or swapped; the rest was never touched */
};

struct resident;

struct resident *resident_new(const struct resident_input *input); /* NULL: no memory */
void resident_free(struct resident *resident);
/* A pagemap_each(): the next range.  0 or -ENOMEM. */
int resident_add(void *resident, const struct pagemap_range *range);

/* How many stacks, in the order they were met; valid until the next resident_add(). */
size_t resident_stacks(const struct resident *resident, const struct resident_stack **out);
size_t resident_blocks(const struct resident *resident, const struct resident_blocks **out);
uint64_t resident_bytes(const struct resident *resident);

#endif
