/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/line.h"

#include <errno.h>
#include <math.h>

double line_at(const struct line *line, double x)
{
	return line->fixed + line->each * x;
}

int line_fit(const double *x, const double *y, size_t count, struct line *out)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
	size_t i;

	*out = (struct line){0};
	if (!count)
		return -ERANGE;
	for (i = 0; i < count; i++) {
		mean_x += x[i] / (double)count;
		mean_y += y[i] / (double)count;
	}
	for (i = 0; i < count; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	out->fixed = mean_y;
	if (xx <= 0)
		return -ERANGE;
	out->each = xy / xx;
	out->fixed = mean_y - out->each * mean_x;
	for (i = 0; i < count; i++)
		squares += pow(y[i] - line_at(out, x[i]), 2);
	if (count > 2)
		out->error = sqrt(squares / (double)(count - 2));
	return 0;
}
