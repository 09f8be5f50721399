/* SPDX-License-Identifier: GPL-2.0 */
/* Reports of trainings that differ in their batch size, as `memsnoop fit` reads them. */
#ifndef MS_FIT_RUNS_H
#define MS_FIT_RUNS_H

#include <stddef.h>

#define RUN_NAMES 32 /* categories, and stages, of a run that are looked at */

struct run_value {
	char name[64];
	double bytes;
};

struct run {
	double batch;
	double peak_bytes;                  /* of tensors */
	double rest_bytes;                  /* resident beyond that, at most */
	struct run_value stages[RUN_NAMES]; /* the highest peak of each kind */
	size_t stage_count;
	struct run_value categories[RUN_NAMES]; /* when a backward pass began, or at the peak */
	size_t category_count;
};

/*
 * Reads "FILE" or "FILE=BATCH", a JSON report.  Without BATCH it is the first dimension of the
 * largest tensor of the category inputs.  0, or a negative errno after one line.
 */
int run_read(const char *argument, struct run *run);
/* The bytes of that name, 0 if there is none. */
double run_value(const struct run_value *values, size_t count, const char *name);

#endif
