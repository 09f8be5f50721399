/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which addresses are mapped, by whom: disjoint extents [start, end).  Neighbours
 * are never joined, not even those of one stack: an extent is what one call
 * mapped, or what is left of it.
 *
 * A process may have 65,530 mappings, so an array that is moved with each change
 * will not do; what is needed besides is the next extent and the one at an
 * address.  It is the red-black tree of BSD's <sys/tree.h>, which has both
 * (tsearch(3) has neither).  All changes take O(log n) for each extent concerned.
 */
#ifndef MS_EXTENTS_H
#define MS_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum extent_flags {
	EXTENT_ALLOCATOR = 1u << 0, /* mapped inside an allocation function */
	EXTENT_SHARED = 1u << 1,
	EXTENT_FILE = 1u << 2,
	EXTENT_BREAK = 1u << 3, /* by brk(2) */
};

struct extent {
	uint64_t start, end; /* addresses */
	uint64_t stack;      /* the name of the stack that mapped it */
	uint64_t born_ns;
	uint64_t serial; /* grows with each call that mapped: tells old from new */
	uint32_t flags;  /* enum extent_flags */
};

struct extents;

/*
 * Called, unless it is NULL, for each piece that is taken out, lowest first; `left` is
 * how many parts of its extent stay: 0, 1 at an edge, 2 around a hole.  It must not
 * change the extents.
 */
typedef void extents_taken(void *context, const struct extent *piece, int left);

struct extents *extents_new(void); /* NULL: no memory */
void extents_free(struct extents *extents);

/*
 * Maps `extent`, which is not empty, over whatever lies there, as MAP_FIXED
 * does; that is taken out first.  0, or -ENOMEM and nothing has changed.
 */
int extents_map(struct extents *extents, const struct extent *extent, extents_taken *taken,
		void *context);
/*
 * Takes out what lies in [start, end) and has a serial of at most `newest`,
 * cutting what lies across the edges.  0, or -ENOMEM and nothing has changed.
 */
int extents_take(struct extents *extents, uint64_t start, uint64_t end, uint64_t newest,
		 extents_taken *taken, void *context);

/*
 * The first extent that ends above `address`, or NULL: it holds it, or comes
 * after it.  Valid until the next change, as is what extents_next() gives.
 */
const struct extent *extents_from(const struct extents *extents, uint64_t address);
const struct extent *extents_next(const struct extent *extent);

/* A walk over addresses in rising order; {.extents = …} at first. */
struct extents_walk {
	const struct extents *extents; /* unchanged meanwhile */
	const struct extent *extent;   /* ends above the last address */
	bool began;
};
/*
 * How far from `at`, at most to `end`, lies the same extent, which is stored, or
 * none, and NULL is.
 */
uint64_t extents_walk(struct extents_walk *walk, uint64_t at, uint64_t end,
		      const struct extent **extent);

size_t extents_count(const struct extents *extents);
uint64_t extents_bytes(const struct extents *extents);

#endif
