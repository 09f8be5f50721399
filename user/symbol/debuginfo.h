/* SPDX-License-Identifier: GPL-2.0 */
/* DWARF: an address -> the functions it is in (inlined calls expanded), file and line. */
#ifndef MS_DEBUGINFO_H
#define MS_DEBUGINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "symbol/debugfile.h"
#include "symbol/image.h"
#include "symbol/intern.h"

struct debuginfo;

/* One level of inlining; strings belong to the interner or are NULL. */
struct call {
	const char *function, *file;
	unsigned line;
	bool inlined;
};

/* What lookups share with the rest of the symboliser. */
struct debuginfo_context {
	struct intern *strings;
	struct debug_roots *roots;
	struct budget *budget;
};

/*
 * Opens the DWARF in `image`, whose addresses are those of `main`, which must
 * outlive it.  0, -ENOENT without DWARF, or another negative errno when it is
 * not usable.
 */
int debuginfo_open(struct debuginfo **out, const struct image *image, const struct image *main,
		   const struct debuginfo_context *context);
void debuginfo_close(struct debuginfo *d);
/*
 * The calls at `address`, innermost first, at most `max` (not 0): of more, the
 * function whose code it is stays the last, and inlined ones next to it are
 * left out.  0 when DWARF does not know the address; one with function NULL
 * when it knows only file and line.
 */
size_t debuginfo_lookup(struct debuginfo *d, uint64_t address, struct call *calls, size_t max);
/* Whether it was given up, because it takes too much time or memory. */
bool debuginfo_exhausted(const struct debuginfo *d);

#endif
