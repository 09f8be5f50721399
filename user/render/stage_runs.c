/* SPDX-License-Identifier: GPL-2.0 */
/* Narrow stages, merged. */
#include "render/stage_runs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_stages(const void *a, const void *b)
{
	const struct stage *x = *(const struct stage *const *)a;
	const struct stage *y = *(const struct stage *const *)b;

	if (x->start_s != y->start_s)
		return x->start_s < y->start_s ? -1 : 1;
	return x < y ? -1 : x > y;
}

static double length_of(const struct stage *stage)
{
	return stage->end_s - stage->start_s;
}

const char *stage_run_name(const struct stage *stage)
{
	return stage->name && *stage->name ? stage->name : "unnamed";
}

/* Those that are asked for, in order of time; NULL without memory. */
static const struct stage **choose(const struct snapshot *s, size_t process, unsigned depth,
				   bool deeper, size_t *count)
{
	const struct stage **chosen = calloc(s->stage_count + 1, sizeof(*chosen));

	*count = 0;
	for (size_t i = 0; chosen && i < s->stage_count; i++) {
		const struct stage *stage = &s->stages[i];

		/* a time that is no number has no place */
		if (stage->process == process && length_of(stage) >= 0 &&
		    (stage->depth == depth || (deeper && stage->depth > depth)))
			chosen[(*count)++] = stage;
	}
	if (chosen)
		qsort(chosen, *count, sizeof(*chosen), compare_stages);
	return chosen;
}

/* ---- merging ---------------------------------------------------------------------- */

static void count_name(struct stage_run *run, const char *name)
{
	unsigned i = 0;

	while (i < run->name_count && strcmp(run->names[i].name, name) != 0)
		i++;
	if (i == STAGE_RUN_NAMES) {
		run->others++;
		return;
	}
	if (i == run->name_count)
		run->names[run->name_count++].name = name;
	run->names[i].count++;
}

static void run_begin(struct stage_run *run, const struct stage *stage)
{
	*run = (struct stage_run){
	    .longest = stage,
	    .start_s = stage->start_s,
	    .end_s = stage->end_s,
	    .count = 1,
	    .iteration_first = stage->iteration,
	    .iteration_last = stage->iteration,
	    .peak_bytes = stage->peak_bytes,
	    .entry_bytes = stage->entry_bytes,
	    .growth_bytes = stage->growth_bytes,
	};
	count_name(run, stage_run_name(stage));
}

static void run_add(struct stage_run *run, const struct stage *stage)
{
	run->count++;
	run->end_s = fmax(run->end_s, stage->end_s);
	if (length_of(stage) > length_of(run->longest))
		run->longest = stage;
	if (stage->iteration > run->iteration_last)
		run->iteration_last = stage->iteration;
	if (stage->peak_bytes > run->peak_bytes)
		run->peak_bytes = stage->peak_bytes;
	/* what came and went between two stages counts too */
	run->growth_bytes = (int64_t)(stage->exit_bytes - run->entry_bytes);
	count_name(run, stage_run_name(stage));
}

/* Seconds from the start of stages[first] to the end of the last one of its iteration. */
static double iteration_length(const struct stage *const *stages, size_t count, size_t first)
{
	size_t last = first;

	while (last + 1 < count && stages[last + 1]->iteration == stages[first]->iteration)
		last++;
	return stages[last]->end_s - stages[first]->start_s;
}

int stage_runs_build(struct stage_runs *runs, const struct snapshot *s, size_t process,
		     unsigned depth, bool deeper, double narrow_s)
{
	size_t count;
	const struct stage **stages = choose(s, process, depth, deeper, &count);
	struct stage_run *open = NULL; /* the last run, if it may be added to */
	double iteration_s = 0;

	*runs = (struct stage_runs){calloc(s->stage_count + 1, sizeof(*runs->runs)), 0};
	if (!stages || !runs->runs) {
		free(stages);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		bool narrow;

		if (!i || stages[i]->iteration != stages[i - 1]->iteration)
			iteration_s = iteration_length(stages, count, i);
		narrow = length_of(stages[i]) < narrow_s || iteration_s < 3 * narrow_s;
		if (narrow && open && stages[i]->start_s - open->end_s < narrow_s)
			run_add(open, stages[i]);
		else
			run_begin(&runs->runs[runs->count++], stages[i]);
		open = narrow ? &runs->runs[runs->count - 1] : NULL;
	}
	free(stages);
	return 0;
}

void stage_runs_free(struct stage_runs *runs)
{
	free(runs->runs);
	*runs = (struct stage_runs){0};
}
