/* SPDX-License-Identifier: GPL-2.0 */
/* Bars below a timeline's plane. */
#include "render/lanes.h"

#include <math.h>
#include <stdlib.h>

#include "render/lines.h"
#include "render/parts.h"
#include "render/svg.h"

#define PROCESS_LANES 8
#define TYPE 11 /* px of the labels' type */

static void bar(const struct plot *p, const char *css, double x1, double x2, double y,
		double height, const char *title)
{
	fprintf(p->out, "<rect class=\"%s\" rx=\"2\" x=\"", css);
	svg_number(p->out, x1);
	fputs("\" y=\"", p->out);
	svg_number(p->out, y);
	fputs("\" width=\"", p->out);
	svg_number(p->out, fmax(x2 - x1, 1));
	fputs("\" height=\"", p->out);
	svg_number(p->out, height);
	fputs("\"><title>", p->out);
	text_print_xml(p->out, title);
	fputs("</title></rect>\n", p->out);
}

/* ---- processes -------------------------------------------------------------------- */

static double end_of(const struct process *process, double end_s)
{
	return process->exited || process->execed ? fmin(process->end_s, end_s) : end_s;
}

unsigned lanes_of_processes(const struct snapshot *s, double end_s)
{
	const struct process *p = s->processes;

	if (s->process_count == 1 && p->start_s < 0.01 * end_s && end_of(p, end_s) > 0.97 * end_s)
		return 0;
	return s->process_count > PROCESS_LANES ? PROCESS_LANES + 1 : (unsigned)s->process_count;
}

static int compare_peaks(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a;
	const struct process *y = *(const struct process *const *)b;

	if (x->rss_peak_bytes != y->rss_peak_bytes)
		return x->rss_peak_bytes > y->rss_peak_bytes ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int compare_starts(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a;
	const struct process *y = *(const struct process *const *)b;

	if (x->start_s != y->start_s)
		return x->start_s < y->start_s ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_process(const struct plot *p, const struct process *process, double y)
{
	double end_s = end_of(process, p->end_s);
	double x1 = plot_x(p, process->start_s), x2 = plot_x(p, end_s), width;
	char name[NAME_LEN], text[2 * NAME_LEN], human[HUMAN_LEN];

	part_process(name, process);
	snprintf(text, sizeof(text), "%s, RSS peak %s", name,
		 text_bytes(human, process->rss_peak_bytes));
	bar(p, "life", x1, x2, y, LANE - 4, text);
	width = TYPE * 0.58 * lines_width(name) + 6;
	/* behind a bar that starts too far right for it, its name stands before the bar */
	svg_text(p->out, x1 + width > p->right ? x1 - 5 : x1 + 5, y + 11.5,
		 x1 + width > p->right ? "lane end" : "lane", name);
	if (process->start_s > 0.005 * p->end_s)
		fprintf(p->out, "<path class=\"event\" d=\"M%.2f %.2fV%.2f\"/>\n", x1, p->top,
			p->bottom);
	if (end_s < 0.995 * p->end_s)
		fprintf(p->out, "<path class=\"event\" d=\"M%.2f %.2fV%.2f\"/>\n", x2, p->top,
			p->bottom);
}

void lanes_put_processes(const struct plot *p, const struct snapshot *s, double y)
{
	const struct process **shown = calloc(s->process_count + 1, sizeof(*shown));
	size_t count = s->process_count;
	char text[64];

	if (!shown)
		return;
	for (size_t i = 0; i < count; i++)
		shown[i] = &s->processes[i];
	qsort(shown, count, sizeof(*shown), compare_peaks);
	if (count > PROCESS_LANES)
		count = PROCESS_LANES;
	qsort(shown, count, sizeof(*shown), compare_starts);
	for (size_t i = 0; i < count; i++)
		put_process(p, shown[i], y + LANE * (double)i);
	if (count < s->process_count) {
		snprintf(text, sizeof(text), "and %zu more processes, of lower RSS peak",
			 s->process_count - count);
		svg_text(p->out, p->left + 5, y + LANE * (double)count + 11.5, "lane", text);
	}
	free(shown);
}
