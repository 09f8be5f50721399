/* SPDX-License-Identifier: GPL-2.0 */
/* A timeline's tensors by what they are for: areas that lie on each other. */
#ifndef MS_RENDER_CATEGORIES_H
#define MS_RENDER_CATEGORIES_H

#include "render/plot.h"
#include "render/series.h"

struct category_area {
	const char *name;
	struct series series;
};

/* From the bottom up those that ever have a byte; their vertices are at the same times. */
struct category_stack {
	struct category_area *areas;
	size_t count;
};

/*
 * The areas, and in *total their sum, which is then the tensors' curve.  Without category
 * points both are empty.  0 or -ENOMEM; categories_free() and series_free() are due either way.
 */
int categories_build(struct category_stack *stack, struct series *total, const struct snapshot *s);
void categories_free(struct category_stack *stack);
/* As series_thin(), by the total. */
void categories_thin(struct category_stack *stack, struct series *total, double end_s,
		     unsigned columns);

/* The rules of their colours: the class of area i is "cat<i>". */
void categories_put_style(FILE *out, const struct category_stack *stack);
void categories_put_areas(const struct plot *p, const struct category_stack *stack);
/*
 * Entries "name 12.3 MiB", the bytes at `total`'s highest vertex, in rows from `y` down, the
 * first row's y.  Returns the number of rows; without a stream in `p` it only counts them.
 */
unsigned categories_put_legend(const struct plot *p, const struct category_stack *stack,
			       const struct series *total, double y);

#define CATEGORY_ROW 20 /* px from one row of the legend to the next */

#endif
