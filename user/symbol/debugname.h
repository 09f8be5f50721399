/* SPDX-License-Identifier: GPL-2.0 */
/* What a function in DWARF is called, with its namespaces and classes. */
#ifndef MS_DEBUGNAME_H
#define MS_DEBUGNAME_H

#include <elfutils/libdw.h>

#include "symbol/demangle.h"
#include "symbol/intern.h"

struct unit;

struct name_context {
	struct intern *strings;
	/* The index of the unit that `die` is in, or NULL. */
	struct unit *(*unit_of)(void *opaque, Dwarf_Die *die);
	void *opaque;
};

/* The interned name of a function or inlined call; NULL when it has none. */
const char *debugname(const struct name_context *context, Dwarf_Die *die);

#endif
