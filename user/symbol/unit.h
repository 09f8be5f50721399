/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One compilation unit of DWARF, indexed: which functions its code belongs to,
 * and in which namespace or class those are whose record gives only the last
 * part of their name.
 */
#ifndef MS_UNIT_H
#define MS_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "symbol/image.h"
#include "symbol/ranges.h"

struct scope;
struct member;

struct unit {
	Dwarf_Die die;
	struct ranges functions; /* value: the address of the function's DIE */
	struct scope *scopes;    /* [0] is the unit itself */
	size_t scope_count, scope_room;
	struct member *members; /* in the order of their addresses */
	size_t member_count, member_room;
	bool lines_checked, lines_usable;
};

/* Asked now and then during long work: true when it must end. */
struct stop {
	bool (*now)(void *opaque);
	void *opaque;
};

/*
 * Indexes the unit whose own DIE is `die`; addresses outside `main`'s code are
 * left out.  What it allocates is charged to the budget.  0 or a negative
 * errno; free it either way.
 */
int unit_read(struct unit *unit, Dwarf_Die *die, const struct image *main, struct stop stop,
	      struct budget *budget);
void unit_free(struct unit *unit);

#define UNIT_SCOPES 16 /* nested scopes that a name is given */

/*
 * The DIEs around the function declared by `die`, innermost first, up to
 * UNIT_SCOPES; 0 when it stands alone or has a mangled name.
 */
size_t unit_scopes(const struct unit *unit, const Dwarf_Die *die, Dwarf_Die *scopes);

/* Adds the code ranges of `die` that lie in `main`'s code; *found counts all it has. */
int unit_add_ranges(struct ranges *ranges, Dwarf_Die *die, uint64_t value, const struct image *main,
		    size_t *found);
/* 1: `address` is in one of the DIE's ranges; 0: it is not; -1: it has none. */
int unit_die_covers(Dwarf_Die *die, uint64_t address);

#endif
