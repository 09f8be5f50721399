/* SPDX-License-Identifier: GPL-2.0 */
/* The part of a function that the compiler has put elsewhere.  Private to unwind/. */
#ifndef MS_PYTHON_COLD_H
#define MS_PYTHON_COLD_H

#include "probe/elfimage.h"

/*
 * Finds the other part of the function at [address, address + size), which may
 * be the larger one: stripped files have no symbol for it, but it has an entry
 * of its own in .eh_frame_hdr, and jumps lead from the middle of the one into
 * the middle of the other.  Between functions they do not.
 * 0 with *cold_size 0 if there is none or it cannot be told, or -ENOMEM.
 */
int python_cold_find(const struct elfimage *image, uint64_t address, uint64_t size,
		     uint64_t *cold_address, uint64_t *cold_size);

#endif
