/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Address -> (module, file offset), by the mapping table of an image.  The BPF
 * programs and the unit tests compile this same file.
 */
#ifndef MS_MAPPING_H
#define MS_MAPPING_H

#include "memsnoop.h"

/*
 * The mapping that holds a user address, or NULL: a binary search without
 * branches.  With them the verifier would walk all 1,024 ways through it, and
 * the processor guess wrong at half of them.  Both differences are negative,
 * their top bit set, exactly when entry at + step exists and starts at or below
 * the address; that holds because user addresses are below MS_ADDRESS_MAX, and
 * the table has no others.
 */
static inline __attribute__((always_inline)) const struct ms_mapping *
mapping_find(const struct ms_mappings *m, __u64 address)
{
	const struct ms_mapping *map;
	__u64 at = 0, go;
	int bit;

	if (!m || address >= MS_ADDRESS_MAX)
		return 0;
	MS_UNROLL
	for (bit = MS_MAPPINGS_BITS - 1; bit >= 0; bit--) {
		/* Opaque, or LLVM sees that the masks are needless and leaves them
		 * out; the verifier of 6.1 does not. */
		asm volatile("" : "+r"(at));
		go = at + (1 << bit) - m->nr;
		go &= m->map[(at + (1 << bit)) % MS_MAPPINGS_MAX].start - address - 1;
		/* The top bit, moved: of a mask of it, 0 or ~0, the verifier of 6.18
		 * follows both values, which is all the ways again. */
		at += go >> (63 - bit) & 1 << bit;
	}
	asm volatile("" : "+r"(at));
	map = &m->map[at % MS_MAPPINGS_MAX];
	return address < map->start || address >= map->end ? 0 : map;
}

#endif
