/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Function names from ELF symbol tables: .symtab, .dynsym, and the small
 * .symtab that .gnu_debugdata holds compressed.
 */
#ifndef MS_ELFSYM_H
#define MS_ELFSYM_H

#include "symbol/image.h"
#include "symbol/ranges.h"

struct elfsym;

struct elfsyms {
	struct elfsym *items; /* only until elfsyms_finish() */
	size_t count, room;
	struct ranges sized;   /* value: the name */
	struct ranges unsized; /* symbols without a size, up to what follows */
	struct ranges stubs;   /* .plt sections */
};

/*
 * Collects the function symbols of `image`, which must outlive `syms`.
 * 0 or -ENOMEM; what is broken or over the budget is left out.
 */
int elfsyms_collect(struct elfsyms *syms, const struct image *image, struct budget *budget);
/* Call once, after the last elfsyms_collect(). `main` says what is code.  0 or -ENOMEM. */
int elfsyms_finish(struct elfsyms *syms, const struct image *main);
/* The raw name of the function that holds `address`, or NULL. */
const char *elfsyms_find(const struct elfsyms *syms, uint64_t address);
/* Whether `address` is in a jump stub to another library's function. */
bool elfsyms_is_stub(const struct elfsyms *syms, uint64_t address);
void elfsyms_free(struct elfsyms *syms);

/* Opens the ELF file in `image`'s .gnu_debugdata.  0, -ENOENT or another negative errno. */
int minidebug_open(const struct image *image, struct image *mini, struct budget *budget);

#endif
