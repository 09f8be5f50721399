/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Each stage has its own line, for some grow with the batch and others do not: the peak
 * is that of the stage that is highest at a batch size.
 */
#include "fit/run.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/line.h"
#include "base/log.h"
#include "base/text.h"
#include "fit/runs.h"

#define STATUS_ENVIRONMENT 1
#define STATUS_USAGE 2
/* Where the search ends: a batch of more samples is no batch. */
#define BATCH_MAX (1u << 30)

struct named_line {
	const char *name;
	struct line line;
};

struct fit {
	struct run *runs;
	size_t count;
	struct named_line stages[RUN_NAMES], categories[RUN_NAMES];
	size_t stage_count, category_count;
	double rest_bytes; /* the most of any run */
};

static int read_runs(const struct options *o, struct fit *f)
{
	int err = 0;
	size_t i;

	f->runs = calloc(o->run_count + 1, sizeof(*f->runs));
	if (!f->runs)
		return log_error(-ENOMEM, "out of memory");
	for (i = 0; i < o->run_count && !err; i++) {
		err = run_read(o->runs[i], &f->runs[i]);
		f->count++;
		if (f->runs[i].rest_bytes > f->rest_bytes)
			f->rest_bytes = f->runs[i].rest_bytes;
	}
	for (i = 1; i < f->count && !err; i++)
		if (f->runs[i].batch != f->runs[0].batch)
			return 0;
	return err ? err
		   : log_error(-EINVAL, "fit: all runs have a batch of %g: a line needs two sizes",
			       f->runs[0].batch);
}

/* The lines of the names of one kind, which all runs may have. */
static int make_lines(const struct fit *f, size_t values, size_t counts, struct named_line *lines,
		      size_t *count)
{
	double *x = calloc(f->count + 1, sizeof(*x)), *y = calloc(f->count + 1, sizeof(*y));
	const struct run *last = &f->runs[f->count - 1];
	const struct run_value *names = (const void *)((const char *)last + values);
	size_t i, j, n = *(const size_t *)((const char *)last + counts);

	for (i = 0; i < n && x && y; i++) {
		for (j = 0; j < f->count; j++) {
			const char *run = (const char *)&f->runs[j];

			x[j] = f->runs[j].batch;
			y[j] = run_value((const void *)(run + values),
					 *(const size_t *)(run + counts), names[i].name);
		}
		lines[i].name = names[i].name;
		line_fit(x, y, f->count, &lines[i].line);
	}
	*count = n;
	free(x);
	free(y);
	return x && y ? 0 : log_error(-ENOMEM, "out of memory");
}

/* The stage that is highest at a batch size, and its bytes. */
static const struct named_line *highest(const struct fit *f, double batch, double *bytes)
{
	const struct named_line *found = NULL;
	size_t i;

	*bytes = 0;
	for (i = 0; i < f->stage_count; i++) {
		double at = line_at(&f->stages[i].line, batch);

		if (!found || at > *bytes) {
			found = &f->stages[i];
			*bytes = at;
		}
	}
	return found;
}

/* The largest batch whose peak is at most `bytes`; 0: none. */
static uint64_t largest_batch(const struct fit *f, double bytes)
{
	uint64_t low = 0, high = BATCH_MAX;
	double peak;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		highest(f, (double)middle, &peak);
		if (peak <= bytes)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* ---- output ------------------------------------------------------------------------- */

static const char *human(char buffer[HUMAN_LEN], double bytes)
{
	return text_bytes(buffer, bytes > 0 ? (uint64_t)llround(bytes) : 0);
}

static void print_lines(const char *title, const struct named_line *lines, size_t count)
{
	char fixed[HUMAN_LEN], each[HUMAN_LEN], error[HUMAN_LEN];
	size_t i;

	printf("\n%-34s %12s %14s %12s\n", title, "fixed", "each sample", "error");
	for (i = 0; i < count; i++)
		printf("  %-32s %12s %14s %12s\n", lines[i].name, human(fixed, lines[i].line.fixed),
		       human(each, lines[i].line.each), human(error, lines[i].line.error));
}

static void print_runs(const struct fit *f)
{
	char measured[HUMAN_LEN], computed[HUMAN_LEN];
	double bytes;
	size_t i;

	printf("%-16s %14s %14s\n", "batch", "peak", "by the lines");
	for (i = 0; i < f->count; i++) {
		highest(f, f->runs[i].batch, &bytes);
		printf("%-16g %14s %14s  %+.1f %%\n", f->runs[i].batch,
		       human(measured, f->runs[i].peak_bytes), human(computed, bytes),
		       100 * (bytes / f->runs[i].peak_bytes - 1));
	}
}

static void print_answer(const struct fit *f, uint64_t device)
{
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN];
	uint64_t batch = largest_batch(f, (double)device);
	const struct named_line *stage;
	double bytes;

	stage = highest(f, (double)batch, &bytes);
	if (!batch || !stage) {
		printf("\nnot even a batch of 1 fits %s: its peak is %s\n",
		       human(a, (double)device), human(b, bytes));
		return;
	}
	printf("\nlargest batch that fits %s: %" PRIu64 ", with a peak of %s in stage %s",
	       human(a, (double)device), batch, human(b, bytes), stage->name);
	if (f->count > 2)
		printf(", give or take %s\n", human(c, 2 * stage->line.error));
	else
		printf("; two runs fit any line, a third would tell how well\n");
	printf("(tensors alone: what else the process had resident was %s)\n",
	       human(c, f->rest_bytes));
}

static json_t *lines_json(const struct named_line *lines, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, json_pack("{s:s,s:f,s:f,s:f}", "name", lines[i].name,
						       "fixed_bytes", lines[i].line.fixed,
						       "bytes_each", lines[i].line.each,
						       "error_bytes", lines[i].line.error));
	return array;
}

static int print_json(const struct fit *f, uint64_t device)
{
	uint64_t batch = device ? largest_batch(f, (double)device) : 0;
	const struct named_line *stage;
	json_t *document;
	double bytes;
	int err;

	stage = highest(f, (double)batch, &bytes);
	document = json_pack("{s:i,s:o,s:o,s:I,s:I,s:f,s:s,s:f}", "schema", 1, "stages",
			     lines_json(f->stages, f->stage_count), "categories",
			     lines_json(f->categories, f->category_count), "device_bytes",
			     (json_int_t)device, "largest_batch", (json_int_t)batch, "peak_bytes",
			     bytes, "stage", stage ? stage->name : "", "rest_bytes", f->rest_bytes);
	err = document && !json_dumpf(document, stdout, JSON_INDENT(2)) ? 0 : -ENOMEM;
	putchar('\n');
	json_decref(document);
	return err;
}

static void print(const struct fit *f, uint64_t device)
{
	print_runs(f);
	print_lines("highest peak of stage", f->stages, f->stage_count);
	print_lines("when a backward pass begins", f->categories, f->category_count);
	if (device)
		print_answer(f, device);
}

int fit_run(const struct options *o)
{
	struct fit f = {0};
	int err = read_runs(o, &f);

	if (!err)
		err = make_lines(&f, offsetof(struct run, stages),
				 offsetof(struct run, stage_count), f.stages, &f.stage_count);
	if (!err)
		err = make_lines(&f, offsetof(struct run, categories),
				 offsetof(struct run, category_count), f.categories,
				 &f.category_count);
	if (!err && o->json)
		err = print_json(&f, o->device_bytes);
	else if (!err)
		print(&f, o->device_bytes);
	if (!err && fflush(stdout))
		err = log_error(-errno, "cannot write: %s", strerror(errno));
	free(f.runs);
	if (err == -EINVAL)
		return STATUS_USAGE;
	return err ? STATUS_ENVIRONMENT : 0;
}
