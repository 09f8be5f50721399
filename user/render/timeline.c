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

#include "render/lanes.h"
#include "render/lines.h"
#include "render/parts.h"
#include "render/plot.h"
#include "render/render.h"
#include "render/series.h"
#include "render/svg.h"

#define PLANE_HEIGHT 370
#define LABEL_TYPE 12

struct timeline {
	FILE *out;
	const struct snapshot *s;
	struct plot plot;
	struct series series[LAYER_NR];
	size_t series_count;
};

static const struct {
	const char *light, *dark; /* of line, area and label */
	bool area;
} looks[LAYER_NR] = {
    [LAYER_HEAP] = {"#1f63c8", "#6cb0ff", true},  [LAYER_TENSOR] = {"#c2570c", "#ffa657", true},
    [LAYER_GPU] = {"#2a8045", "#6fdd8b", true},   [LAYER_VM] = {"#6b7280", "#a3acb9", true},
    [LAYER_RSS] = {"#b4245d", "#ff85b3", false},  [LAYER_SLAB] = {"#6f42c1", "#c297ff", true},
    [LAYER_PAGES] = {"#0f766e", "#5eead4", true},
};

static const char style[] = ".grid{stroke:#d8dee4;stroke-width:1;fill:none}\n"
			    ".axis{stroke:#57606a;stroke-width:1.2;fill:none}\n"
			    "text.tick{fill:#57606a;font-size:12px}\n"
			    "text.end{text-anchor:end}\n"
			    "text.mid{text-anchor:middle}\n"
			    "text.key{font-size:13px;fill:#424a53}\n"
			    "text.mark{font-weight:600;font-size:12px}\n"
			    "text.lane{font-size:11px;fill:#424a53}\n"
			    ".halo{fill:#fff;fill-opacity:.8}\n"
			    ".band{fill:#8fa3b8;fill-opacity:.10}\n"
			    ".band.odd{fill-opacity:.22}\n"
			    ".stage{fill:#c9d4df}\n"
			    ".life{fill:#d7e3d4}\n"
			    ".event{stroke:#7d8590;stroke-dasharray:2 3;fill:none}\n"
			    ".dot{stroke:#fff;stroke-width:1.5}\n"
			    ".cursor{stroke:#57606a;stroke-width:1;pointer-events:none}\n"
			    ".tip rect{fill:#fff;stroke:#b6bec7}\n"
			    ".plane{fill:transparent;outline:none}\n"
			    ".plane:focus{stroke:#0b57d0;stroke-width:2}\n"
			    "@media (prefers-color-scheme:dark){\n"
			    ".grid{stroke:#2a3139}\n"
			    ".axis{stroke:#8b949e}\n"
			    "text.tick{fill:#9aa4ae}\n"
			    "text.key,text.lane{fill:#c0c8d0}\n"
			    ".halo{fill:#0f1419}\n"
			    ".stage{fill:#34404d}\n"
			    ".life{fill:#2d3d33}\n"
			    ".dot{stroke:#0f1419}\n"
			    ".cursor{stroke:#c0c8d0}\n"
			    ".tip rect{fill:#1c2229;stroke:#444c56}\n"
			    ".plane:focus{stroke:#79b8ff}\n"
			    "}\n";

/* The rules above and those that follow from the table of looks; to be freed. */
static char *all_styles(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fputs(style, out);
	for (int dark = 0; dark < 2; dark++) {
		fputs(dark ? "@media (prefers-color-scheme:dark){\n" : "", out);
		for (int i = 0; i < LAYER_NR; i++) {
			const char *colour = dark ? looks[i].dark : looks[i].light;

			fprintf(
			    out,
			    ".line.%s{stroke:%s;fill:none;stroke-width:2;stroke-linejoin:round}\n"
			    ".area.%s{fill:%s;fill-opacity:.2}\n"
			    ".dot.%s,text.mark.%s{fill:%s}\n",
			    layer_names[i], colour, layer_names[i], colour, layer_names[i],
			    layer_names[i], colour);
		}
		fputs(dark ? "}\n" : "", out);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

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

static void put_legend(const struct timeline *t, double y)
{
	char name[NAME_LEN];
	double x = t->plot.left;

	for (size_t i = 0; i < t->series_count; i++) {
		const struct series *series = &t->series[i];
		const char *css = layer_names[series->layer];

		if (looks[series->layer].area)
			fprintf(t->out,
				"<rect class=\"area %s\" x=\"%.1f\" y=\"%.1f\" width=\"22\" "
				"height=\"12\"/>\n",
				css, x, y - 10.5);
		fprintf(t->out, "<path class=\"line %s\" d=\"M%.1f %.1fh22\"/>\n", css, x,
			looks[series->layer].area ? y - 10.5 : y - 4.5);
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

static void put_curve(const struct timeline *t, const struct series *series)
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
	if (looks[series->layer].area && series->count > 1) {
		fprintf(t->out, "<path class=\"area %s\" d=\"", css);
		put_path(t, series);
		fprintf(t->out, "V%.2fH%.2fZ\"/>\n", t->plot.bottom,
			plot_x(&t->plot, series->vertices[0].t_s));
	}
	fprintf(t->out, "<path class=\"line %s\" d=\"", css);
	put_path(t, series);
	fputs("\"/>\n</g>\n", t->out);
}

static uint64_t highest_of(const struct series *series)
{
	return series->vertices[series->highest].bytes;
}

/* The largest areas first, so that smaller ones lie over them; lines last. */
static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	if (looks[x->layer].area != looks[y->layer].area)
		return looks[x->layer].area ? -1 : 1;
	if (highest_of(x) != highest_of(y))
		return highest_of(x) > highest_of(y) ? -1 : 1;
	return (int)x->layer - (int)y->layer;
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
		error = series_build(series, t->s, (enum layer)layer);
		if (error) {
			series_free(series);
			return error;
		}
		if (!series->count) {
			series_free(series);
			continue;
		}
		t->series_count++;
		end_s = fmax(end_s, series->vertices[series->count - 1].t_s);
		if (highest_of(series) > highest)
			highest = highest_of(series);
	}
	t->plot.end_s = end_s > 1e-6 ? end_s : 1;
	for (size_t i = 0; i < t->series_count; i++)
		series_thin(&t->series[i], t->plot.end_s, (unsigned)(t->plot.right - t->plot.left));
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

	lanes_put_stages(p, t->s, stages_y);
	plot_axes(p);
	for (size_t i = 0; i < t->series_count; i++)
		put_curve(t, &t->series[i]);
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

static int put_picture(struct timeline *t, const char *styles)
{
	unsigned stages = lanes_of_stages(t->s), lives;
	const char *title = t->s->title ? t->s->title : "memsnoop";
	double stages_y = 88, foot;

	lives = lanes_of_processes(t->s, t->plot.end_s);
	t->plot.top = stages_y + LANE * stages + 4;
	t->plot.bottom = t->plot.top + PLANE_HEIGHT;
	foot = t->plot.bottom + 54 + LANE * lives;
	svg_begin(t->out, "Memory over time", "", styles,
		  (unsigned)foot + (part_losses(t->s) ? 30 : 4));
	svg_text_fitted(t->out, SVG_MARGIN, 28, "title", title, 17, SVG_WIDTH - 2 * SVG_MARGIN);
	put_caption(t);
	if (t->series_count) {
		put_legend(t, 76);
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
	char *styles = all_styles();
	int error = -ENOMEM;

	(void)o;
	if (styles)
		error = prepare(&t);
	if (!error)
		error = put_picture(&t, styles);
	for (size_t i = 0; i < t.series_count; i++)
		series_free(&t.series[i]);
	free(styles);
	return error;
}
