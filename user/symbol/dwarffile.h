/* SPDX-License-Identifier: GPL-2.0 */
/* The DWARF of a file, and of the file it shares parts with. */
#ifndef MS_DWARFFILE_H
#define MS_DWARFFILE_H

#include <stdbool.h>

#include <elfutils/libdw.h>

#include "symbol/debugfile.h"
#include "symbol/image.h"

struct dwarf_file {
	Dwarf *dwarf;
	Dwarf *shared; /* of a dwz file, or NULL */
	struct image shared_image;
	const Elf_Data *lines; /* .debug_line, unpacked, or NULL */
	bool big_endian;
};

bool dwarf_file_present(const struct image *image);
/*
 * Opens the DWARF of `image`, which must outlive it.  0, -ENOENT if there is
 * none, or another negative errno when it cannot be used.
 */
int dwarf_file_open(struct dwarf_file *file, const struct image *image, struct debug_roots *roots,
		    struct budget *budget);
void dwarf_file_close(struct dwarf_file *file);

#endif
