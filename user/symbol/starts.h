/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where functions start that no symbol names: the search table of .eh_frame_hdr
 * has the start of every function that can be unwound, and it is loaded, so
 * strip leaves it.  Each part of a function that the compiler moved away
 * (".cold") counts as a function.
 */
#ifndef MS_STARTS_H
#define MS_STARTS_H

#include "symbol/image.h"

struct start {
	int32_t from;  /* the distance from `address` */
	uint32_t size; /* 0: not known */
};

struct starts {
	uint64_t address;
	struct start *items;
	size_t count;
};

/*
 * Reads the table of `image`, whose file must still be open.  0, -ENOENT if there
 * is none of the form that linkers write, or another negative errno; then nothing
 * will be found.  About 10 ms for the 220,000 functions of libtorch_cpu.so.
 */
int starts_read(struct starts *starts, const struct image *image, struct budget *budget);
/* The start of the function of `image` that holds `address`; false if that is not known. */
bool starts_find(const struct starts *starts, const struct image *image, uint64_t address,
		 uint64_t *start);
void starts_free(struct starts *starts);

#endif
