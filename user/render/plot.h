/* SPDX-License-Identifier: GPL-2.0 */
/* The plane a timeline is drawn on: scales, axes, labels that keep out of each other's way. */
#ifndef MS_PLOT_H
#define MS_PLOT_H

#include <stdint.h>
#include <stdio.h>

struct plot {
	FILE *out;
	double left, right, top, bottom; /* of the plane, in px */
	double end_s;                    /* the time at its right edge, above 0 */
	double max_bytes;                /* the value at its upper edge, above 0 */
	double step_bytes;               /* between two lines of the grid */
	const char *unit;                /* of the numbers at them */
	double unit_bytes;
};

double plot_x(const struct plot *p, double t_s);
double plot_y(const struct plot *p, uint64_t bytes);

/* Chooses max_bytes and what follows it, so that `highest` has room for a label above it. */
void plot_scale(struct plot *p, uint64_t highest);
/* Grid lines, numbers and units of both axes. */
void plot_axes(const struct plot *p);

/* A rectangle that a label takes. */
struct plot_box {
	double x, y, width, height;
};

#define PLOT_BOXES 32

struct plot_labels {
	struct plot_box taken[PLOT_BOXES];
	unsigned count;
};

/*
 * A place near (x, y) for a label of that size: inside the plane, on no other
 * label; the nearest of a fixed list, else the first free one from the top.
 * It counts as taken.
 */
struct plot_box plot_place(struct plot_labels *labels, const struct plot *p, double x, double y,
			   double width, double height);
/* Keeps other labels off a rectangle. */
void plot_take(struct plot_labels *labels, struct plot_box box);

#endif
