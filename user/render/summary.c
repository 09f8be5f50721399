/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text at the end of a run: totals, the stacks that made the peak, what is
 * still held, what was only temporary, and last whatever was lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "render/lines.h"
#include "render/parts.h"
#include "render/render.h"
#include "render/shortage.h"
#include "render/summary.h"

#define PROCESSES 8 /* shown one by one */

/* ---- processes ------------------------------------------------------------------- */

static uint64_t largest_peak(const struct process *process)
{
	uint64_t largest = 0;

	for (int i = 0; i < LAYER_NR; i++)
		if (process->layers[i].peak_bytes > largest)
			largest = process->layers[i].peak_bytes;
	return largest;
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a;
	const struct process *y = *(const struct process *const *)b;

	if (largest_peak(x) != largest_peak(y))
		return largest_peak(x) > largest_peak(y) ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_fate(struct summary *m, const struct process *process)
{
	char name[NAME_LEN];

	lines_end(&m->lines);
	lines_put(&m->lines, STYLE_STRONG, "%s", part_process(name, process));
	if (!process->pid)
		; /* the kernel */
	else if (process->execed)
		lines_put(&m->lines, STYLE_PLAIN, ", became another program");
	else if (!process->exited)
		lines_put(&m->lines, STYLE_PLAIN, ", still running");
	else if (process->exit_code > 128)
		lines_put(&m->lines, STYLE_PLAIN, ", ended with status %d, as by signal %d",
			  process->exit_code, process->exit_code - 128);
	else
		lines_put(&m->lines, STYLE_PLAIN, ", ended with status %d", process->exit_code);
	lines_end(&m->lines);
}

/* What is freed without having been seen allocated. */
static const char *unknown_blocks(enum layer layer)
{
	switch (layer) {
	case LAYER_SLAB:
		return "objects from before tracing, or allocated in bulk";
	case LAYER_PAGES:
		return "pages from before tracing, or of processes and files, which are not traced";
	default:
		return "blocks from before tracing";
	}
}

/* Things that are mostly zero: a line only if there is something to say. */
static void put_exceptions(struct summary *m, enum layer layer, const struct layer_totals *t)
{
	char number[HUMAN_LEN];

	if (t->in_flight_bytes) {
		bool freeing = t->in_flight_bytes < 0;

		lines_put(&m->lines, STYLE_PLAIN,
			  "          %s %s in flight: changed by other threads at that moment, %s",
			  text_bytes(number, llabs(t->in_flight_bytes)),
			  freeing ? "above the peak" : "of the peak",
			  freeing ? "in the stacks' shares still" : "no stack's share");
		lines_end(&m->lines);
	}
	if (t->unknown_frees) {
		lines_put(&m->lines, STYLE_PLAIN, "          %s free%s of %s",
			  text_count(number, t->unknown_frees), summary_plural(t->unknown_frees),
			  unknown_blocks(layer));
		lines_end(&m->lines);
	}
	if (t->rounding_bytes) {
		lines_put(&m->lines, STYLE_PLAIN,
			  "          %s more are taken by what is held: blocks have fixed sizes",
			  text_bytes(number, t->rounding_bytes));
		lines_end(&m->lines);
	}
	if (t->failed) {
		lines_put(&m->lines, STYLE_PLAIN, "          %s call%s returned no memory",
			  text_count(number, t->failed), summary_plural(t->failed));
		lines_end(&m->lines);
	}
}

static void put_layer(struct summary *m, enum layer layer, const struct layer_totals *t)
{
	char number[HUMAN_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, STYLE_PLAIN, -6, layer_names[layer]);
	lines_cell(&m->lines, STYLE_STRONG, 12, text_bytes(number, t->peak_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, text_seconds(number, t->peak_at_s));
	lines_cell(&m->lines, STYLE_STRONG, 14, text_bytes(number, t->live_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 15, text_count(number, t->allocs));
	lines_cell(&m->lines, STYLE_PLAIN, 15, text_count(number, t->frees));
	lines_cell(&m->lines, STYLE_PLAIN, 13, text_bytes(number, t->alloc_bytes));
	lines_end(&m->lines);
	put_exceptions(m, layer, t);
}

/* Resident memory: what the kernel counts, and page faults in place of allocations. */
static void put_rss(struct summary *m, const struct process *process)
{
	const struct layer_totals *t = &process->layers[LAYER_RSS];
	char number[HUMAN_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "  RSS   ");
	lines_cell(&m->lines, STYLE_STRONG, 12, text_bytes(number, process->rss_peak_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12,
		   t->peak_at_s > 0 ? text_seconds(number, t->peak_at_s) : "");
	lines_cell(&m->lines, STYLE_STRONG, 14, text_bytes(number, process->rss_bytes));
	if (t->allocs) {
		lines_cell(&m->lines, STYLE_PLAIN, 15, text_count(number, t->allocs));
		lines_put(&m->lines, STYLE_DIM, " page faults");
	}
	lines_end(&m->lines);
}

/* What RSS at the end consists of; kinds of nothing are left out. */
static void put_parts(struct summary *m, const struct process *process)
{
	char number[HUMAN_LEN];

	if (!process->part_count)
		return;
	lines_put(&m->lines, STYLE_DIM,
		  "  of %s resident %s:", text_bytes(number, process->parts_rss_bytes),
		  process->exited ? "when it ended" : "now");
	lines_end(&m->lines);
	for (size_t i = 0; i < process->part_count; i++) {
		const struct resident_part *part = &process->parts[i];
		uint64_t bytes = (uint64_t)(part->bytes < 0 ? -part->bytes : part->bytes);
		char text[HUMAN_LEN + 1];

		if (!bytes)
			continue;
		snprintf(text, sizeof(text), "%s%s", part->bytes < 0 ? "-" : "",
			 text_bytes(number, bytes));
		lines_cell(&m->lines, STYLE_PLAIN, 20, text);
		lines_put(&m->lines, STYLE_PLAIN, "  %5.1f %%  %s",
			  (part->bytes < 0 ? -1 : 1) *
			      summary_share(bytes, process->parts_rss_bytes),
			  part->text);
		lines_end(&m->lines);
	}
}

static void put_process(struct summary *m, const struct process *process)
{
	static const struct {
		const char *title;
		int width;
	} titles[] = {
	    {"  layer ", -8},    {"peak", 12},  {"reached at", 12}, {"held at end", 14},
	    {"allocations", 15}, {"frees", 15}, {"allocated", 13},
	};

	put_fate(m, process);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		lines_cell(&m->lines, STYLE_DIM, titles[i].width, titles[i].title);
	lines_end(&m->lines);
	for (int i = 0; i < LAYER_NR; i++)
		if (m->s->layer_on[i] && i != LAYER_RSS)
			put_layer(m, (enum layer)i, &process->layers[i]);
	if (m->s->layer_on[LAYER_RSS]) {
		put_rss(m, process);
		put_parts(m, process);
	}
	if (m->s->layer_on[LAYER_GPU])
		summary_devices(m, process);
}

static int put_processes(struct summary *m)
{
	size_t count = m->s->process_count, shown = count < PROCESSES ? count : PROCESSES;
	const struct process **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &m->s->processes[i];
	qsort(sorted, count, sizeof(*sorted), compare_processes);
	for (size_t i = 0; i < shown; i++)
		put_process(m, sorted[i]);
	if (shown < count) {
		lines_put(&m->lines, STYLE_DIM, "and %zu more process%s with lower peaks",
			  count - shown, count - shown == 1 ? "" : "es");
		lines_end(&m->lines);
	}
	free(sorted);
	return 0;
}

/* ---- the end ------------------------------------------------------------------------- */

static void put_remarks(struct summary *m)
{
	char number[HUMAN_LEN];

	lines_end(&m->lines);
	for (size_t i = 0; i < m->s->note_count; i++) {
		lines_put(&m->lines, STYLE_PLAIN, "note: %s", m->s->notes[i]);
		lines_end(&m->lines);
	}
	if (!part_losses(m->s)) {
		lines_put(&m->lines, STYLE_PLAIN, "no losses");
		lines_end(&m->lines);
	}
	for (size_t i = 0; i < m->s->loss_count; i++) {
		const struct loss *loss = &m->s->losses[i];

		if (!loss->count)
			continue;
		lines_put(&m->lines, STYLE_LOSS, "!!! %s %s", text_count(number, loss->count),
			  loss->text);
		lines_end(&m->lines);
	}
}

int render_summary(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct summary m = {
	    .lines = {.out = out, .columns = o->columns, .colour = o->colour},
	    .s = s,
	    .o = o,
	};
	char time[HUMAN_LEN];
	int error;

	lines_put(&m.lines, STYLE_STRONG, "memsnoop: %s", s->title ? s->title : "");
	lines_put(&m.lines, STYLE_PLAIN, ", %s", text_seconds(time, s->duration_s));
	lines_end(&m.lines);
	error = put_processes(&m);
	if (!error)
		error = shortage_put(&m.lines, s);
	if (!error)
		error = summary_tensors(&m);
	for (int i = 0; i < LAYER_NR && !error; i++)
		error = summary_stacks(&m, (enum layer)i);
	put_remarks(&m);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
