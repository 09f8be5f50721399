/* SPDX-License-Identifier: GPL-2.0 */
/* A straight line through points: y = fixed + each * x, by least squares. */
#ifndef MS_LINE_H
#define MS_LINE_H

#include <stddef.h>

struct line {
	double fixed, each;
	double error; /* standard error of the points about it; 0 of two, which fit any line */
};

/* Of at least two different x; else both -ERANGE and a line that is flat at the mean. */
int line_fit(const double *x, const double *y, size_t count, struct line *out);
double line_at(const struct line *line, double x);

#endif
