/* SPDX-License-Identifier: GPL-2.0 */
/* The colour of a frame: a family by the kind of code, a shade by its name. */
#ifndef MS_PALETTE_H
#define MS_PALETTE_H

#include "collect/snapshot.h"

enum palette {
	PALETTE_APPLICATION,
	PALETTE_LIBRARY,
	PALETTE_FRAMEWORK,
	PALETTE_PYTHON,
	PALETTE_INTERPRETER,
	PALETTE_LIBC,
	PALETTE_JIT,
	PALETTE_KERNEL,
	PALETTE_UNKNOWN,
	PALETTE_NR
};

#define COLOUR_LEN 8

/* What a family is called in a legend. */
const char *palette_name(enum palette family);
/* PALETTE_NR for a category or a shape, which have the colour of the category. */
enum palette palette_of(const struct frame *frame);
/* "#rrggbb" for the frame: always the same one for the same module and function. */
const char *palette_colour(char buffer[COLOUR_LEN], const struct frame *frame);
/* The middle of a family, for a legend. */
const char *palette_mean(char buffer[COLOUR_LEN], enum palette family);

#endif
