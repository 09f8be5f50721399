/* SPDX-License-Identifier: GPL-2.0 */
/* Stages of one process and depth as the bars of a strip: what is too narrow is merged. */
#ifndef MS_STAGE_RUNS_H
#define MS_STAGE_RUNS_H

#include "collect/snapshot.h"

#define STAGE_RUN_NAMES 4

/* One bar: a stage, or several one behind the other. */
struct stage_run {
	const struct stage *longest;
	double start_s, end_s;
	size_t count;
	unsigned iteration_first, iteration_last;
	uint64_t entry_bytes, peak_bytes; /* of the first; the highest */
	int64_t growth_bytes;             /* from the first's entry to the last's exit */
	/* Of several: their names, each once, and how many have it; the rest is in `others`. */
	struct {
		const char *name;
		size_t count;
	} names[STAGE_RUN_NAMES];
	unsigned name_count;
	size_t others;
};

struct stage_runs {
	struct stage_run *runs; /* in order of time */
	size_t count;
};

/*
 * Those of process `process` whose depth is `depth`, or with `deeper` at least `depth`.  A
 * stage shorter than narrow_s, or in an iteration shorter than three times that, is merged
 * with such neighbours.  0 or -ENOMEM; stage_runs_free() is due either way.
 */
int stage_runs_build(struct stage_runs *runs, const struct snapshot *s, size_t process,
		     unsigned depth, bool deeper, double narrow_s);
void stage_runs_free(struct stage_runs *runs);

/* What it is called; a range may have no name. */
const char *stage_run_name(const struct stage *stage);

#endif
