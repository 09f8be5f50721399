/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that do nothing but jump to another allocation function with the
 * same arguments, as operator delete does to free.  Private to probe/.
 */
#ifndef MS_ELFTAIL_H
#define MS_ELFTAIL_H

#include "probe/elfsym.h"

/*
 * Whether the function of symbol `index`, which begins with the `length` bytes
 * at `code` (x86-64), jumps at once to a function that another row describes
 * in the same words: one in `syms`, or one that the dynamic linker finds by a
 * built-in row's name.  A probe there sees the same call with the same
 * arguments, so one here would only count it twice and cost a second trap.
 */
bool elftail_jumps_on(const struct elfimage *image, const struct elfsyms *syms, size_t index,
		      const struct probe_table *table, const uint8_t *code, size_t length);

#endif
