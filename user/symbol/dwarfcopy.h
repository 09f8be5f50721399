/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DWARF copied out of a target's file into an ELF file of our own, in memory.
 * libdw trusts what it reads in ways that we cannot: it unpacks whatever a
 * header promises, opens files that sections name, and follows a string without
 * an end out of its section.  So it gets the sections we use and no others,
 * unpacked, each followed by zeros.
 */
#ifndef MS_DWARFCOPY_H
#define MS_DWARFCOPY_H

#include <stdbool.h>
#include <stddef.h>

#include "symbol/image.h"

struct dwarf_copy {
	Elf *elf;
	void *memory;
	const unsigned char *lines; /* .debug_line */
	size_t lines_size;
};

/* Whether `image` has DWARF. */
bool dwarf_copy_possible(const struct image *image);
/*
 * Copies the DWARF of `image`, which is not needed afterwards.  0, -EFBIG when
 * it is over the budget, or another negative errno.
 */
int dwarf_copy_open(struct dwarf_copy *copy, const struct image *image, struct budget *budget);
void dwarf_copy_close(struct dwarf_copy *copy);

#endif
