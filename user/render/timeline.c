/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory over time: a filled curve for each layer, resident memory as a line,
 * every peak marked with its value and time.  Layers overlap, so the areas lie
 * over each other and are not stacked.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/categories.h"
#include "render/lanes.h"
#include "render/lines.h"
#include "render/parts.h"
#include "render/plot.h"
#include "render/render.h"
#include "render/series.h"
#include "render/stage_strip.h"
#include "render/svg.h"
#include "render/timeline_look.h"

#define PLANE_HEIGHT 370
#define LABEL_TYPE 12

struct timeline {
	FILE *out;
	const struct snapshot *s;
	struct plot plot;
	struct series series[LAYER_NR];
	size_t series_count;
	struct category_stack parts; /* of the tensors, if that is known */
};

/* ---- names and labels ----------------------------------------------------------------- */

static const char *series_name(char buffer[NAME_LEN], const struct timeline *t,
			       const struct series *series)
{
	size_t n = t->s->process_count;

	if (series->layer == LAYER_RSS && n > 1)
		snprintf(buffer, NAME_LEN,
			 "RSS (sum over %zu processes, shared pages counted each)", n);
	else if (series->layer == LAYER_RSS)
		snprintf(buffer, NAME_LEN, "RSS (resident memory)");
	else if (n > 1)
		snprintf(buffer, NAME_LEN, "%s (sum over %zu processes)",
			 layer_names[series->layer], n);
	else
		snprintf(buffer, NAME_LEN, "%s", layer_names[series->layer]);
	return buffer;
}

/* "heap peak 812 MiB at 3.42 s". */
static const char *mark_text(char buffer[NAME_LEN], const struct timeline *t,
			     const struct series *series)
{
	const struct vertex *v = &series->vertices[series->highest];
	char bytes[HUMAN_LEN], time[HUMAN_LEN], mark[HUMAN_LEN];
	bool alone = t->s->process_count == 1;
	uint64_t kernels = alone ? t->s->processes[0].rss_peak_bytes : 0;

	text_bytes(bytes, v->bytes);
	text_seconds(time, v->t_s);
	if (series->layer != LAYER_RSS)
		snprintf(buffer, NAME_LEN, "%s %s %s at %s", layer_names[series->layer],
			 series->exact ? "peak"
			 : alone       ? "highest tick"
				       : "highest sum",
			 bytes, time);
	else if (kernels > v->bytes)
		snprintf(buffer, NAME_LEN, "RSS %s at %s (kernel's high-water mark %s)", bytes,
			 time, text_bytes(mark, kernels));
	else
		snprintf(buffer, NAME_LEN, "RSS %s %s at %s", alone ? "peak" : "highest sum", bytes,
			 time);
	return buffer;
}

static void put_marks(const struct timeline *t)
{
	struct plot_labels labels = {0};
	char text[NAME_LEN];

	/* no label on any dot */
	for (size_t i = 0; i < t->series_count; i++) {
		const struct vertex *v = &t->series[i].vertices[t->series[i].highest];

		plot_take(&labels, (struct plot_box){plot_x(&t->plot, v->t_s) - 5,
						     plot_y(&t->plot, v->bytes) - 5, 10, 10});
	}
	for (size_t i = 0; i < t->series_count; i++) {
		const struct series *series = &t->series[i];
		const struct vertex *v = &series->vertices[series->highest];
		double x = plot_x(&t->plot, v->t_s), y = plot_y(&t->plot, v->bytes);
		const char *name = layer_names[series->layer], *label = mark_text(text, t, series);
		struct plot_box box =
		    plot_place(&labels, &t->plot, x, y, LABEL_TYPE * 0.6 * lines_width(label) + 10,
			       LABEL_TYPE + 7);

		fprintf(t->out, "<circle class=\"dot %s\" cx=\"%.2f\" cy=\"%.2f\" r=\"5\"/>\n",
			name, x, y);
		fprintf(t->out,
			"<rect class=\"halo\" rx=\"3\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
			"height=\"%.2f\"/>\n",
			box.x, box.y, box.width, box.height);
		fprintf(t->out, "<text class=\"mark mid %s\" x=\"%.2f\" y=\"%.2f\">", name,
			box.x + box.width / 2, box.y + 13.5);
		text_print_xml(t->out, label);
		fputs("</text>\n", t->out);
	}
}

/* The areas of categories take the place of the tensors' own. */
static bool has_area(const struct timeline *t, const struct series *series)
{
	return timeline_looks[series->layer].area &&
	       !(series->layer == LAYER_TENSOR && t->parts.count);
}

static void put_legend(const struct timeline *t, double y)
{
	char name[NAME_LEN];
	double x = t->plot.left;

	for (size_t i = 0; i < t->series_count; i++) {
		const struct series *series = &t->series[i];
		const char *css = layer_names[series->layer];

		if (has_area(t, series))
			fprintf(t->out,
				"<rect class=\"area %s\" x=\"%.1f\" y=\"%.1f\" width=\"22\" "
				"height=\"12\"/>\n",
				css, x, y - 10.5);
		fprintf(t->out, "<path class=\"line %s\" d=\"M%.1f %.1fh22\"/>\n", css, x,
			has_area(t, series) ? y - 10.5 : y - 4.5);
		svg_text(t->out, x + 29, y, "key", series_name(name, t, series));
		x += 29 + 13 * 0.58 * lines_width(name) + 18;
	}
}

/* ---- curves ----------------------------------------------------------------------------- */

static void put_path(const struct timeline *t, const struct series *series)
{
	for (size_t i = 0; i < series->count; i++) {
		fputc(i ? 'L' : 'M', t->out);
		svg_number(t->out, plot_x(&t->plot, series->vertices[i].t_s));
		fputc(' ', t->out);
		svg_number(t->out, plot_y(&t->plot, series->vertices[i].bytes));
	}
}

static void put_area(const struct timeline *t, const struct series *series)
{
	if (!has_area(t, series) || series->count < 2)
		return;
	fprintf(t->out, "<path class=\"area %s\" d=\"", layer_names[series->layer]);
	put_path(t, series);
	fprintf(t->out, "V%.2fH%.2fZ\"/>\n", t->plot.bottom,
		plot_x(&t->plot, series->vertices[0].t_s));
}

static void put_curve(const struct timeline *t, const struct series *series, bool area)
{
	const char *css = layer_names[series->layer];
	char name[NAME_LEN];

	fputs("<g class=\"series\" data-name=\"", t->out);
	text_print_xml(t->out, series_name(name, t, series));
	fprintf(t->out, "\" data-layer=\"%s\" data-t=\"", css);
	for (size_t i = 0; i < series->count; i++)
		fprintf(t->out, "%s%.7g", i ? " " : "", series->vertices[i].t_s);
	fputs("\" data-v=\"", t->out);
	for (size_t i = 0; i < series->count; i++)
		fprintf(t->out, "%s%" PRIu64, i ? " " : "", series->vertices[i].bytes);
	fputs("\">\n", t->out);
	if (area)
		put_area(t, series);
	fprintf(t->out, "<path class=\"line %s\" d=\"", css);
	put_path(t, series);
	fputs("\"/>\n</g>\n", t->out);
}

/* Layers lie over each other, but the categories' colours are not to be mixed with theirs. */
static void put_curves(const struct timeline *t)
{
	for (size_t i = 0; i < t->series_count && t->parts.count; i++)
		put_area(t, &t->series[i]);
	if (t->parts.count)
		categories_put_areas(&t->plot, &t->parts);
	for (size_t i = 0; i < t->series_count; i++)
		put_curve(t, &t->series[i], !t->parts.count);
}

static uint64_t highest_of(const struct series *series)
{
	return series->vertices[series->highest].bytes;
}

/* The largest areas first, so that smaller ones lie over them; lines last. */
static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	if (timeline_looks[x->layer].area != timeline_looks[y->layer].area)
		return timeline_looks[x->layer].area ? -1 : 1;
	if (highest_of(x) != highest_of(y))
		return highest_of(x) > highest_of(y) ? -1 : 1;
	return (int)x->layer - (int)y->layer;
}

/* Makes no more of the curves than `columns` pixels can show. */
static void thin(struct timeline *t, unsigned columns)
{
	for (size_t i = 0; i < t->series_count; i++) {
		if (t->series[i].layer == LAYER_TENSOR)
			categories_thin(&t->parts, &t->series[i], t->plot.end_s, columns);
		else
			series_thin(&t->series[i], t->plot.end_s, columns);
	}
}

/* The curve of a layer; that of the tensors with its parts, if they are known. */
static int build(struct timeline *t, struct series *series, enum layer layer)
{
	if (layer == LAYER_TENSOR && t->s->category_point_count)
		return categories_build(&t->parts, series, t->s);
	return series_build(series, t->s, layer);
}

/* Builds the curves that there are; 0 or -ENOMEM. */
static int prepare(struct timeline *t)
{
	uint64_t highest = 0;
	double end_s = fmax(t->s->duration_s, 0);
	int error;

	for (int layer = 0; layer < LAYER_NR; layer++) {
		struct series *series = &t->series[t->series_count];

		if (!t->s->layer_on[layer])
			continue;
		error = build(t, series, (enum layer)layer);
		if (error) {
			series_free(series);
			return error;
		}
		/* most programs have no tensors, and the layer is on for all */
		if (!series->count || (layer == LAYER_TENSOR && !highest_of(series))) {
			series_free(series);
			continue;
		}
		t->series_count++;
		end_s = fmax(end_s, series->vertices[series->count - 1].t_s);
		if (highest_of(series) > highest)
			highest = highest_of(series);
	}
	t->plot.end_s = end_s > 1e-6 ? end_s : 1;
	thin(t, (unsigned)(t->plot.right - t->plot.left));
	qsort(t->series, t->series_count, sizeof(t->series[0]), compare_series);
	plot_scale(&t->plot, highest);
	return 0;
}

/* ---- the picture ------------------------------------------------------------------------ */

/* "heap: peak 812 MiB (851,443,712 bytes) at 3.42 s, 12.3 MiB at the end; RSS …". */
static void put_caption(const struct timeline *t)
{
	char human[HUMAN_LEN], *text = NULL;
	size_t length = 0;
	FILE *line = open_memstream(&text, &length);

	if (!line)
		return;
	fputs("Memory over time", line);
	for (size_t i = 0; i < t->series_count; i++) {
		const struct series *series = &t->series[i];
		const struct vertex *v = &series->vertices[series->highest];

		fprintf(line, " · %s: highest %s",
			series->layer == LAYER_RSS ? "RSS" : layer_names[series->layer],
			text_bytes(human, v->bytes));
		if (series->layer != LAYER_RSS && t->series_count <= 2)
			fprintf(line, " (%s bytes)", text_count(human, v->bytes));
		if (t->series_count <= 3)
			fprintf(line, ", last %s",
				text_bytes(human, series->vertices[series->count - 1].bytes));
	}
	fclose(line);
	svg_text_fitted(t->out, SVG_MARGIN, 50, "sub", text ? text : "Memory over time", 13,
			SVG_WIDTH - 2 * SVG_MARGIN);
	free(text);
}

static void put_plane(const struct timeline *t, double stages_y)
{
	const struct plot *p = &t->plot;

	stage_strip_put(p, t->s, stages_y);
	plot_axes(p);
	put_curves(t);
	fprintf(t->out, "<path class=\"axis\" d=\"M%.2f %.2fV%.2fH%.2f\"/>\n", p->left, p->top,
		p->bottom, p->right);
	put_marks(t);
	fprintf(t->out,
		"<rect id=\"plane\" class=\"plane\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
		"height=\"%.2f\" tabindex=\"0\" role=\"img\" aria-label=\"Curves of memory over "
		"time; the arrow keys move a cursor\" data-end=\"%.9g\" data-max=\"%.17g\"/>\n",
		p->left, p->top, p->right - p->left, p->bottom - p->top, p->end_s, p->max_bytes);
}

static void put_empty(const struct timeline *t)
{
	const struct plot *p = &t->plot;

	fprintf(t->out,
		"<rect class=\"frame\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
		"rx=\"6\" stroke-dasharray=\"5 4\"/>\n",
		p->left, p->top, p->right - p->left, p->bottom - p->top);
	svg_text(t->out, (p->left + p->right) / 2, (p->top + p->bottom) / 2, "empty",
		 "No sample was taken: there is no curve to draw.");
}

/* What the tensors' curve says of the legend's second part; NULL: there is none. */
static const struct series *tensors_of(const struct timeline *t)
{
	for (size_t i = 0; i < t->series_count && t->parts.count; i++)
		if (t->series[i].layer == LAYER_TENSOR)
			return &t->series[i];
	return NULL;
}

/* Rows of the categories' legend from `y` down; `out` NULL: they are only counted. */
static unsigned put_parts_legend(const struct timeline *t, FILE *out, double y)
{
	const struct series *total = tensors_of(t);
	struct plot plot = t->plot;

	plot.out = out;
	return total ? categories_put_legend(&plot, &t->parts, total, y) : 0;
}

static int put_picture(struct timeline *t, const char *styles)
{
	unsigned lives;
	const char *title = t->s->title ? t->s->title : "memsnoop";
	double stages_y = 88 + CATEGORY_ROW * put_parts_legend(t, NULL, 0), foot;

	lives = lanes_of_processes(t->s, t->plot.end_s);
	t->plot.top = stages_y + stage_strip_height(t->s) + 4;
	t->plot.bottom = t->plot.top + PLANE_HEIGHT;
	foot = t->plot.bottom + 54 + LANE * lives;
	svg_begin(t->out, "Memory over time", "", styles,
		  (unsigned)foot + (part_losses(t->s) ? 30 : 4));
	svg_text_fitted(t->out, SVG_MARGIN, 28, "title", title, 17, SVG_WIDTH - 2 * SVG_MARGIN);
	put_caption(t);
	if (t->series_count) {
		put_legend(t, 76);
		put_parts_legend(t, t->out, 76 + CATEGORY_ROW);
		put_plane(t, stages_y);
		if (lives)
			lanes_put_processes(&t->plot, t->s, t->plot.bottom + 54);
	} else {
		put_empty(t);
	}
	svg_losses(t->out, t->s, foot + 18);
	svg_end(t->out, timeline_script);
	return ferror(t->out) ? -EIO : 0;
}

int render_timeline(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct timeline t = {
	    .out = out,
	    .s = s,
	    .plot = {.out = out, .left = 92, .right = SVG_WIDTH - 28},
	};
	char *styles = NULL;
	int error;

	(void)o;
	error = prepare(&t);
	if (!error) {
		styles = timeline_style(&t.parts);
		error = styles ? put_picture(&t, styles) : -ENOMEM;
	}
	for (size_t i = 0; i < t.series_count; i++)
		series_free(&t.series[i]);
	categories_free(&t.parts);
	free(styles);
	return error;
}
