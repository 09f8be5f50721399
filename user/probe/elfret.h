/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a function returns.  A return probe of the kernel replaces the return
 * address on the stack, and a C++ exception cannot pass such a frame: the
 * unwinder finds no code there and ends the program.  So a function that may
 * throw gets probes on its own return instructions instead.  Private to probe/.
 */
#ifndef MS_ELFRET_H
#define MS_ELFRET_H

#include "probe/elfsym.h"

struct elfret {
	uint64_t *sites; /* addresses of return instructions */
	size_t count, room;
	bool partial;   /* some way through the function could not be followed */
	bool delegates; /* it calls an allocation function of `syms`, which is probed itself */
};

/*
 * Follows the code of the function `sym` (x86-64) along its jumps, also out of
 * it and through the procedure linkage table, to every return instruction.  0 or -ENOMEM; the
 * caller frees `sites`.
 */
int elfret_find(const struct elfimage *image, const struct elfsyms *syms,
		const struct probe_table *table, const struct elfsym *sym, struct elfret *out);

#endif
