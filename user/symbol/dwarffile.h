/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The DWARF of a file, and of the file it shares parts with.  libdw never sees
 * the target's file: what it needs is copied into a plain image of our own.
 */
#ifndef MS_DWARFFILE_H
#define MS_DWARFFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <elfutils/libdw.h>

#include "symbol/debugfile.h"
#include "symbol/image.h"

struct dwarf_image {
	void *memory;
	Elf *elf;
	Dwarf *dwarf;
};

struct dwarf_file {
	struct dwarf_image own;
	struct dwarf_image shared;  /* of a dwz file, or empty */
	const unsigned char *lines; /* .debug_line */
	size_t lines_size;
};

/* Whether `image` has DWARF. */
bool dwarf_file_present(const struct image *image);
/* Opens the DWARF of `image`.  0, -ENOENT if there is none, or another negative errno. */
int dwarf_file_open(struct dwarf_file *file, const struct image *image, struct debug_roots *roots,
		    struct budget *budget);
void dwarf_file_close(struct dwarf_file *file);

#endif
