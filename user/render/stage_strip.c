/* SPDX-License-Identifier: GPL-2.0 */
/* Strips of stages, and their shades. */
#include "render/stage_strip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/lines.h"
#include "render/parts.h"
#include "render/stage_runs.h"
#include "render/svg.h"

#define PROCESSES 6 /* with strips of their own */
#define LEVELS 3    /* the process's stages, ranges inside of them, and all deeper ones */
#define NARROW 3.0  /* px: what is narrower is merged */
#define GAP 4       /* px between two processes */

/* By level: from one strip to the next, the height of its bars, their type. */
static const struct {
	double step, height, type;
} strips[LEVELS] = {{19, 15, 11}, {13, 10, 9}, {13, 10, 9}};

/* The classes "stage0" and so on, in this order; what the user has named has one of the last. */
static const char *const known[] = {"load",     "data loading",   "forward",
				    "backward", "optimizer step", "evaluation"};

#define KNOWN (sizeof(known) / sizeof(known[0]))
#define OWN 4

const char stage_strip_style[] = ".strip{fill-opacity:.34}\n"
				 ".shade{fill-opacity:.1}\n"
				 ".stages{fill:#8c959f}\n"
				 ".stage0{fill:#8c7a5c}\n"
				 ".stage1{fill:#b8860b}\n"
				 ".stage2{fill:#2f81f7}\n"
				 ".stage3{fill:#e36209}\n"
				 ".stage4{fill:#1a9e55}\n"
				 ".stage5{fill:#8250df}\n"
				 ".stage6{fill:#0e8a9e}\n"
				 ".stage7{fill:#be185d}\n"
				 ".stage8{fill:#57606a}\n"
				 ".stage9{fill:#6d8a1c}\n"
				 "text.range{font-size:9px;fill:#424a53}\n"
				 "@media (prefers-color-scheme:dark){\n"
				 ".strip{fill-opacity:.55}\n"
				 ".shade{fill-opacity:.2}\n"
				 "text.range{fill:#e6edf3}\n"
				 "}\n";

/* ---- who has stages ------------------------------------------------------------------ */

/* The processes that have strips, in the snapshot's order, and how many have stages at all. */
struct owners {
	size_t process[PROCESSES];
	unsigned levels[PROCESSES]; /* strips of each */
	size_t count, all;
};

static void note_owner(struct owners *o, size_t process, unsigned levels)
{
	if (!levels)
		return;
	if (o->count < PROCESSES) {
		o->process[o->count] = process;
		o->levels[o->count++] = levels;
	}
	o->all++;
}

static struct owners owners_of(const struct snapshot *s)
{
	unsigned *levels = calloc(s->process_count + 1, sizeof(*levels));
	struct owners o = {.count = 0};

	/* without memory there are no strips */
	for (size_t i = 0; levels && i < s->stage_count; i++) {
		const struct stage *stage = &s->stages[i];

		if (stage->process < s->process_count && stage->depth >= levels[stage->process])
			levels[stage->process] = stage->depth + 1;
	}
	for (size_t p = 0; levels && p < s->process_count; p++)
		note_owner(&o, p, levels[p] > LEVELS ? LEVELS : levels[p]);
	free(levels);
	return o;
}

static double height_of(unsigned levels)
{
	double height = 0;

	for (unsigned i = 0; i < levels; i++)
		height += strips[i].step;
	return height;
}

double stage_strip_height(const struct snapshot *s)
{
	struct owners o = owners_of(s);
	double height = 0;

	for (size_t i = 0; i < o.count; i++)
		height += height_of(o.levels[i]) + (i ? GAP : 0);
	return height + (o.all > o.count ? strips[0].step : 0);
}

/* ---- one bar -------------------------------------------------------------------------- */

static const char *class_of(char buffer[16], const struct stage_run *run)
{
	const char *name = stage_run_name(run->longest);
	size_t row = 0, sum = 0;

	if (run->name_count > 1 || run->others) {
		snprintf(buffer, 16, "stages");
		return buffer;
	}
	while (row < KNOWN && strcmp(name, known[row]) != 0)
		row++;
	for (; row == KNOWN && *name; name++)
		sum = 31 * sum + (unsigned char)*name;
	snprintf(buffer, 16, "stage%zu", row + sum % OWN);
	return buffer;
}

/* "forward", "forward × 200" or "100 iterations: forward, backward, optimizer step". */
static void run_label(char *text, size_t size, const struct stage_run *run)
{
	unsigned iterations = run->iteration_last - run->iteration_first + 1;
	char number[HUMAN_LEN];
	size_t at;

	if (run->count == 1) {
		snprintf(text, size, "%s", stage_run_name(run->longest));
		return;
	}
	if (run->name_count == 1 && !run->others) {
		snprintf(text, size, "%.100s × %s", stage_run_name(run->longest),
			 text_count(number, run->count));
		return;
	}
	at = (size_t)snprintf(
	    text, size, "%s %s: ", text_count(number, iterations > 1 ? iterations : run->count),
	    iterations > 1 ? "iterations" : "stages");
	for (unsigned i = 0; i < run->name_count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%.100s", i ? ", " : "",
				       run->names[i].name);
	if (run->others && at < size)
		snprintf(text + at, size - at, ", …");
}

static void put_title(FILE *out, const struct stage_run *run)
{
	char text[2 * NAME_LEN], start[HUMAN_LEN], length[HUMAN_LEN];

	fputs("<title>", out);
	run_label(text, sizeof(text), run);
	text_print_xml(out, text);
	if (run->iteration_last > run->iteration_first)
		fprintf(out, "\niterations %u to %u", run->iteration_first, run->iteration_last);
	else
		fprintf(out, "\niteration %u", run->iteration_first);
	fprintf(out, "\nfrom %s, for %s", text_seconds(start, run->start_s),
		text_seconds(length, run->end_s - run->start_s));
	for (unsigned i = 0; run->count > 1 && i < run->name_count; i++) {
		fputc('\n', out);
		text_print_xml(out, run->names[i].name);
		fprintf(out, ": %s", text_count(start, run->names[i].count));
	}
	fprintf(out, "\ntensors: peak %s", text_bytes(start, run->peak_bytes));
	fprintf(out, ", from start to end %s</title>", text_delta(length, run->growth_bytes));
}

static void put_rect(const struct plot *p, const char *what, const struct stage_run *run,
		     const struct plot_box *box)
{
	char css[16];

	fprintf(p->out, "<rect class=\"%s %s\" x=\"", what, class_of(css, run));
	svg_number(p->out, box->x);
	fputs("\" y=\"", p->out);
	svg_number(p->out, box->y);
	fputs("\" width=\"", p->out);
	svg_number(p->out, box->width);
	fputs("\" height=\"", p->out);
	svg_number(p->out, box->height);
	fputs("\"", p->out);
}

static void put_bar(const struct plot *p, const struct stage_run *run, unsigned level, double y,
		    bool named)
{
	double x1 = plot_x(p, run->start_s), x2 = plot_x(p, run->end_s),
	       gap = x2 - x1 > 4 ? 0.5 : 0;
	struct plot_box box = {x1 + gap, y, fmax(x2 - x1 - 2 * gap, 1), strips[level].height};
	char label[2 * NAME_LEN];

	run_label(label, sizeof(label), run);
	put_rect(p, "strip", run, &box);
	/* for the script, which tells what is under the cursor */
	if (named) {
		fprintf(p->out, " data-a=\"%.9g\" data-b=\"%.9g\" data-n=\"", run->start_s,
			run->end_s);
		text_print_xml(p->out, label);
		if (run->count == 1)
			fprintf(p->out, ", iteration %u", run->iteration_first);
		fputc('"', p->out);
	}
	fputc('>', p->out);
	put_title(p->out, run);
	fputs("</rect>\n", p->out);
	if (x2 - x1 > 2.4 * strips[level].type)
		svg_text_fitted(p->out, x1 + 4, y + strips[level].type * 0.36 + box.height / 2,
				level ? "range" : "lane", label, strips[level].type, x2 - x1 - 6);
}

/* Behind the plane; a run of different stages has no colour to shade with. */
static void put_shade(const struct plot *p, const struct stage_run *run)
{
	double x1 = plot_x(p, run->start_s), x2 = plot_x(p, run->end_s);
	struct plot_box box = {x1, p->top, fmax(x2 - x1, 0.5), p->bottom - p->top};

	if (run->name_count > 1 || run->others)
		return;
	put_rect(p, "shade", run, &box);
	fputs("/>\n", p->out);
}

/* ---- all ------------------------------------------------------------------------------- */

static void put_level(const struct plot *p, const struct snapshot *s, size_t process,
		      unsigned level, double y, bool alone)
{
	struct stage_runs runs;
	double narrow_s = NARROW * p->end_s / (p->right - p->left);
	bool first = alone && level == 0;

	/* without memory the strip is empty */
	if (!stage_runs_build(&runs, s, process, level, level == LEVELS - 1, narrow_s))
		for (size_t i = 0; i < runs.count; i++) {
			if (first)
				put_shade(p, &runs.runs[i]);
			put_bar(p, &runs.runs[i], level, y, first);
		}
	stage_runs_free(&runs);
}

void stage_strip_put(const struct plot *p, const struct snapshot *s, double y)
{
	struct owners o = owners_of(s);
	char text[NAME_LEN];

	for (size_t i = 0; i < o.count; i++) {
		size_t process = o.process[i];

		y += i ? GAP : 0;
		if (o.all > 1) {
			snprintf(text, sizeof(text), "pid %d", s->processes[process].pid);
			svg_text(p->out, p->left - 6, y + 11.5, "lane end", text);
		}
		for (unsigned level = 0; level < o.levels[i]; level++) {
			put_level(p, s, process, level, y, o.all == 1);
			y += strips[level].step;
		}
	}
	if (o.all > o.count) {
		snprintf(text, sizeof(text), "and the stages of %zu more processes",
			 o.all - o.count);
		svg_text(p->out, p->left + 5, y + 11.5, "lane", text);
	}
}
