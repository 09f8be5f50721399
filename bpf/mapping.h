/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Address -> (module, file offset), by the mapping table of an image.  The BPF
 * programs and the unit tests compile this same file.
 */
#ifndef MS_MAPPING_H
#define MS_MAPPING_H

#include "memsnoop.h"

/*
 * The frame of a user address: a binary search without branches.  With them the
 * verifier would walk all 1,024 ways through it, and the processor guess wrong
 * at half of them.  Both differences are negative, their top bit set, exactly
 * when entry at + step exists and starts at or below the address; that holds
 * because user addresses are below MS_ADDRESS_MAX, and the table has no others.
 */
static inline __attribute__((always_inline)) __u64 mapping_frame(const struct ms_mappings *m,
								 __u64 address)
{
	const struct ms_mapping *map;
	__u64 at = 0, step, go;

	if (!m || address >= MS_ADDRESS_MAX)
		return MS_FRAME(0, address);
	for (step = MS_MAPPINGS_MAX / 2; step; step /= 2) {
		go = at + step - m->nr;
		go &= m->map[(at + step) % MS_MAPPINGS_MAX].start - address - 1;
		at += step & -(go >> 63);
	}
	map = &m->map[at % MS_MAPPINGS_MAX];
	if (address < map->start || address >= map->end)
		return MS_FRAME(0, address);
	return MS_FRAME(map->module, address - map->start + map->offset);
}

#endif
