/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flame graph: one box a call path, as wide as its share of the metric,
 * callers below and what they call above.  Everything is drawn here, so that
 * the picture is whole without its script, which only adds zoom and search.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/by_category.h"
#include "render/frametree.h"
#include "render/palette.h"
#include "render/parts.h"
#include "render/render.h"
#include "render/svg.h"

#define GRAPH_WIDTH (SVG_WIDTH - 2 * SVG_MARGIN)
#define GRAPH_TOP 88
#define ROW 18
#define SMALLEST 0.1 /* px: narrower boxes are counted, not drawn */
/* What the script's search field needs at the top right. */
#define CONTROLS 400

struct flame {
	FILE *out;
	const struct snapshot *s;
	struct frametree tree;
	enum metric metric;
	bool by_category;
	double scale; /* px per unit of the metric */
	uint32_t rows;
	double bottom; /* y of the root's lower edge */
	uint32_t drawn, hidden;
	bool families[PALETTE_NR]; /* those that occur in what is drawn */
};

static const char style[] =
    ".f text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;"
    "fill:#1b1f24;pointer-events:none}\n"
    ".f rect{rx:1.5px}\n"
    ".f{cursor:pointer;outline:none}\n"
    ".f:hover rect{stroke:#1f2328;stroke-width:1.2}\n"
    ".f:focus rect{stroke:#0b57d0;stroke-width:3.5}\n"
    ".f.up{opacity:.62}\n"
    ".f.m rect{fill:#e879c6}\n"
    ".searching .f:not(.m):not(.up){opacity:.62}\n"
    "text.key{font-size:12px;fill:#424a53}\n"
    ".ui{font:13px system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;"
    "display:flex;gap:6px;justify-content:flex-end}\n"
    ".ui input,.ui button{font:inherit;color:#1f2328;background:#fff;border:1px solid #c2c9d1;"
    "border-radius:6px;padding:3px 9px;height:28px;box-sizing:border-box}\n"
    ".ui input{flex:1;min-width:0}\n"
    ".ui button{cursor:pointer;background:#f3f5f7;white-space:nowrap}\n"
    ".ui :focus-visible{outline:2px solid #0b57d0;outline-offset:1px}\n"
    "text.right{text-anchor:end}\n"
    "@media (prefers-color-scheme:dark){\n"
    ".f rect{fill-opacity:.9}\n"
    ".f:hover rect{stroke:#fff}\n"
    ".f:focus rect{stroke:#79b8ff}\n"
    "text.key{fill:#c0c8d0}\n"
    ".ui input{color:#e6edf3;background:#161b22;border-color:#444c56}\n"
    ".ui button{color:#e6edf3;background:#21262d;border-color:#444c56}\n"
    "}\n";

/* ---- one box ----------------------------------------------------------------- */

static const char *node_name(char buffer[NAME_LEN], const struct flame *f,
			     const struct tree_node *node)
{
	switch (node->kind) {
	case NODE_ROOT:
		return "all";
	case NODE_PROCESS:
		return part_process(buffer, &f->s->processes[node->process]);
	case NODE_LAYER:
		return layer_names[node->layer];
	case NODE_IN_FLIGHT:
		return "[in flight at the peak]";
	case NODE_FRAME:
		break;
	}
	return node->frame->function;
}

static const char *node_colour(char buffer[COLOUR_LEN], const struct tree_node *node)
{
	switch (node->kind) {
	case NODE_ROOT:
		return "#d3d8de";
	case NODE_PROCESS:
		return "#c3ccd6";
	case NODE_LAYER:
		return "#ccd4cb";
	case NODE_IN_FLIGHT:
		return palette_mean(buffer, PALETTE_UNKNOWN);
	case NODE_FRAME:
		break;
	}
	return palette_colour(buffer, node->frame);
}

/* Where the code is: kind, module, file and line, each on a line if it is known. */
static void put_origin(const struct flame *f, const struct tree_node *node)
{
	const struct frame *frame = node->frame;

	if (node->kind == NODE_IN_FLIGHT)
		fputs("\nchanged by other threads while the peak was taken: no stack's share",
		      f->out);
	if (!frame)
		return;
	if (frame->file) {
		fputc('\n', f->out);
		text_print_xml(f->out, frame->file);
		if (node->line_first)
			fprintf(f->out, ":%u", node->line_first);
		if (node->line_last > node->line_first)
			fprintf(f->out, " to %u", node->line_last);
	}
	if (frame->kind != FRAME_NOTE)
		fprintf(f->out, "\n%s%s", frame_kind_names[frame->kind],
			frame->inlined ? ", inlined" : "");
	if (frame->module && frame->kind != FRAME_NOTE) {
		fputs(", ", f->out);
		text_print_xml(f->out, frame->module);
	}
}

/* Layers are never summed: a box that holds several has no number of its own. */
static bool has_value(const struct flame *f, const struct tree_node *node)
{
	return !f->tree.by_layer || f->tree.nodes[node->base].kind == NODE_LAYER;
}

static void put_numbers(const struct flame *f, const struct tree_node *node, bool exact)
{
	const struct tree_node *base = &f->tree.nodes[node->base];
	char human[HUMAN_LEN], number[HUMAN_LEN + 16];
	const char *separator = exact ? "\n" : ", ";
	double share = base->value ? 100.0 * (double)node->value / (double)base->value : 0;

	if (!has_value(f, node)) {
		fprintf(f->out, "%sseveral layers, which overlap: no sum", separator);
		return;
	}
	fputs(separator, f->out);
	if (f->metric == METRIC_COUNT)
		fputs(part_exact(number, f->metric, node->value), f->out);
	else
		fputs(part_value(human, f->metric, node->value), f->out);
	if (f->metric != METRIC_COUNT && exact)
		fprintf(f->out, " (%s)", part_exact(number, f->metric, node->value));
	fprintf(f->out, ", %.*f %%", share < 9.995 ? 2 : 1, share);
	if (exact && f->tree.by_layer)
		fprintf(f->out, " of %s", layer_names[node->layer]);
	if (exact && f->metric != METRIC_COUNT && node->kind != NODE_IN_FLIGHT)
		fprintf(f->out, "\n%s", part_exact(number, METRIC_COUNT, node->allocs));
}

/* What is written into a box: a short name, for Python with the line of the call. */
static const char *box_label(char buffer[NAME_LEN], const struct frame *frame)
{
	if (frame->kind != FRAME_PYTHON || !frame->file || !frame->line)
		return part_short_name(buffer, frame);
	snprintf(buffer, NAME_LEN, "%.120s (%.120s:%u)", frame->function,
		 part_basename(frame->file), frame->line);
	return buffer;
}

static void put_box(const struct flame *f, const struct tree_node *node)
{
	char buffer[NAME_LEN], brief[NAME_LEN], colour[COLOUR_LEN];
	const char *name = node_name(buffer, f, node);
	const char *label = node->frame ? box_label(brief, node->frame) : name;
	double x = SVG_MARGIN + (double)node->start * f->scale;
	double width = (double)node->value * f->scale;
	double y = f->bottom - ROW * (node->depth + 1.0);
	unsigned cells = width > 6 ? (unsigned)((width - 6) / SVG_CHAR) : 0;

	fprintf(f->out,
		"<g class=\"f\" tabindex=\"0\" role=\"button\" data-d=\"%" PRIu32
		"\" data-s=\"%" PRIu64 "\" data-v=\"%" PRIu64 "\"",
		node->depth, node->start, node->value);
	if (has_value(f, node) && node == &f->tree.nodes[node->base])
		fprintf(f->out, " data-l=\"%s\"", layer_names[node->layer]);
	/* what the script writes into a box that has grown */
	if (label != name) {
		fputs(" data-n=\"", f->out);
		text_print_xml(f->out, label);
		fputc('"', f->out);
	}
	fputs(" aria-label=\"", f->out);
	text_print_xml(f->out, name);
	put_numbers(f, node, false);
	fputs("\"><title>", f->out);
	text_print_xml(f->out, name);
	put_origin(f, node);
	put_numbers(f, node, true);
	fputs("</title><rect x=\"", f->out);
	svg_number(f->out, x);
	fputs("\" y=\"", f->out);
	svg_number(f->out, y);
	fputs("\" width=\"", f->out);
	/* a gap between neighbours, where there is room for one */
	svg_number(f->out, width > 3 ? width - 0.7 : width);
	fprintf(f->out, "\" height=\"%d\" fill=\"%s\"/>", ROW - 1, node_colour(colour, node));
	if (cells >= 3) {
		fputs("<text x=\"", f->out);
		svg_number(f->out, x + 3);
		fputs("\" y=\"", f->out);
		svg_number(f->out, y + 12.5);
		fputs("\">", f->out);
		svg_label(f->out, label, cells);
		fputs("</text>", f->out);
	}
	fputs("</g>\n", f->out);
}

/* ---- all boxes ----------------------------------------------------------------- */

static bool is_drawn(const struct flame *f, const struct tree_node *node)
{
	return (double)node->value * f->scale >= SMALLEST;
}

/* Counts what will be drawn: the picture's height, its legend and its notes. */
static void measure(struct flame *f)
{
	const struct frametree *tree = &f->tree;

	if (!tree->nodes[0].value)
		return;
	f->scale = GRAPH_WIDTH / (double)tree->nodes[0].value;
	for (size_t i = 0; i < tree->count; i++) {
		const struct tree_node *node = &tree->nodes[i];

		if (!is_drawn(f, node)) {
			f->hidden++;
			continue;
		}
		f->drawn++;
		if (node->depth + 1 > f->rows)
			f->rows = node->depth + 1;
		if (node->kind == NODE_FRAME && palette_of(node->frame) != PALETTE_NR)
			f->families[palette_of(node->frame)] = true;
		else if (node->kind == NODE_IN_FLIGHT)
			f->families[PALETTE_UNKNOWN] = true;
	}
}

/* ---- around the boxes ------------------------------------------------------------ */

static const struct {
	const char *caption, *empty;
} metric_texts[METRIC_NR] = {
    [METRIC_PEAK] = {"Held at the peak", "No memory was held: there is no peak to draw."},
    [METRIC_LIVE] = {"Held at the end",
		     "Nothing is held: every block that was seen has been freed."},
    [METRIC_ALLOC] = {"Allocated in all, freed or not", "No allocation was seen."},
    [METRIC_COUNT] = {"Allocations in all, freed or not", "No allocation was seen."},
};

static void layer_sum(const struct flame *f, enum layer layer, uint64_t *value, uint64_t *in_flight)
{
	*value = *in_flight = 0;
	for (size_t i = 0; i < f->tree.count; i++) {
		const struct tree_node *node = &f->tree.nodes[i];

		if (node->layer != layer)
			continue;
		if (node->kind == (f->tree.by_layer ? NODE_LAYER : NODE_ROOT))
			*value += node->value;
		else if (node->kind == NODE_IN_FLIGHT)
			*in_flight += node->value;
	}
}

/* "Held at the peak: heap 812 MiB (851,443,712 bytes) after 3.42 s". */
static void put_caption(const struct flame *f)
{
	char human[HUMAN_LEN], exact[HUMAN_LEN + 16], *text = NULL;
	uint64_t value, in_flight;
	size_t length = 0;
	FILE *line = open_memstream(&text, &length);
	unsigned shown = 0;

	if (!line)
		return;
	fputs(metric_texts[f->metric].caption, line);
	if (f->metric == METRIC_PEAK && f->s->process_count > 1)
		fputs(", each process at its own peak", line);
	for (unsigned i = 0; i < LAYER_NR; i++) {
		if (!(f->tree.layers & 1u << i))
			continue;
		layer_sum(f, (enum layer)i, &value, &in_flight);
		fprintf(line, "%s %s %s", shown++ ? "," : ":", layer_names[i],
			part_value(human, f->metric, value));
		if (f->metric != METRIC_COUNT)
			fprintf(line, " (%s)", part_exact(exact, f->metric, value));
		if (f->metric == METRIC_PEAK && f->s->process_count == 1)
			fprintf(line, " after %s",
				text_seconds(human, f->s->processes[0].layers[i].peak_at_s));
	}
	fclose(line);
	svg_text_fitted(f->out, SVG_MARGIN, 50, "sub", text ? text : "", 13,
			GRAPH_WIDTH - CONTROLS);
	free(text);
}

/* What the stacks have above the peak: other threads were freeing it at that moment. */
static uint64_t freed_in_flight(const struct flame *f, enum layer layer)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < f->s->process_count; i++)
		if (f->s->processes[i].layers[layer].in_flight_bytes < 0)
			bytes -= (uint64_t)f->s->processes[i].layers[layer].in_flight_bytes;
	return f->metric == METRIC_PEAK ? bytes : 0;
}

/* What a reader must know about these numbers, on one line. */
static void put_remarks(const struct flame *f)
{
	char number[HUMAN_LEN], *text = NULL;
	uint64_t value, in_flight, freed;
	size_t length = 0, cut = 0;
	FILE *line = open_memstream(&text, &length);
	const char *separator = "";

	if (!line)
		return;
	for (unsigned i = 0; i < LAYER_NR; i++) {
		if (!(f->tree.layers & 1u << i))
			continue;
		layer_sum(f, (enum layer)i, &value, &in_flight);
		freed = freed_in_flight(f, (enum layer)i);
		if (in_flight)
			fprintf(line, "%s%s in flight at the peak (%s)", separator,
				text_bytes(number, in_flight), layer_names[i]);
		separator = in_flight ? " · " : separator;
		if (freed)
			fprintf(line, "%s%s above the peak%s (%s)", separator,
				text_bytes(number, freed),
				f->by_category ? ", of devices at their own peaks or from "
						 "before tracing"
					       : " in flight",
				layer_names[i]);
		separator = freed ? " · " : separator;
	}
	if (f->tree.by_layer) {
		fprintf(line, "%slayers overlap and are not summed", separator);
		separator = " · ";
	}
	if (f->hidden) {
		fprintf(line, "%s%s frame%s below 0.1 px not drawn", separator,
			text_count(number, f->hidden), f->hidden == 1 ? "" : "s");
		separator = " · ";
	}
	for (size_t i = 0; i < f->s->stack_count; i++)
		cut += f->s->stacks[i].end_text != NULL;
	if (cut)
		fprintf(line, "%s%s stack%s of %zu cut short", separator, text_count(number, cut),
			cut == 1 ? "" : "s", f->s->stack_count);
	fclose(line);
	if (text && *text)
		svg_text_fitted(f->out, SVG_MARGIN, 71, "note", text, 12, GRAPH_WIDTH);
	free(text);
}

static void put_legend(const struct flame *f, double y)
{
	char colour[COLOUR_LEN];
	double x = SVG_MARGIN;

	for (unsigned i = 0; i < PALETTE_NR; i++) {
		if (!f->families[i])
			continue;
		fprintf(f->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" "
			"fill=\"%s\"/>\n",
			x, y - 10, palette_mean(colour, (enum palette)i));
		svg_text(f->out, x + 17, y, "key", palette_name((enum palette)i));
		x += 17 + 6.6 * (double)strlen(palette_name((enum palette)i)) + 18;
	}
}

static void put_empty(const struct flame *f)
{
	fprintf(f->out,
		"<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" "
		"stroke-dasharray=\"5 4\"/>\n",
		SVG_MARGIN, GRAPH_TOP, GRAPH_WIDTH, 5 * ROW);
	svg_text(f->out, SVG_WIDTH / 2.0, GRAPH_TOP + 2.5 * ROW + 5, "empty",
		 f->by_category ? "No tensors were seen: nothing is known by category."
				: metric_texts[f->metric].empty);
}

static void put_picture(struct flame *f)
{
	const char *title = f->s->title ? f->s->title : "memsnoop";
	double foot;

	measure(f);
	f->bottom = GRAPH_TOP + ROW * (f->rows ? f->rows : 5.0);
	foot = f->bottom + 24;
	svg_begin(f->out, "Flame graph of memory",
		  f->metric == METRIC_COUNT ? "data-unit=\"count\"" : "data-unit=\"bytes\"", style,
		  (unsigned)foot + (part_losses(f->s) ? 62 : 40));
	svg_text_fitted(f->out, SVG_MARGIN, 28, "title", title, 17, GRAPH_WIDTH - CONTROLS);
	put_caption(f);
	put_remarks(f);
	fputs("<g id=\"boxes\">\n", f->out);
	/* in the tree's order, which is also that of the Tab key */
	for (size_t i = 0; i < f->tree.count && f->rows; i++)
		if (is_drawn(f, &f->tree.nodes[i]))
			put_box(f, &f->tree.nodes[i]);
	if (!f->rows)
		put_empty(f);
	fputs("</g>\n", f->out);
	if (f->rows) {
		fprintf(f->out, "<text id=\"details\" class=\"note\" x=\"%d\" y=\"%.0f\">",
			SVG_MARGIN, foot - 5);
		fputs("Width is the share of memory; callers are below, what they call is "
		      "above.</text>\n",
		      f->out);
	}
	put_legend(f, foot + 20);
	svg_losses(f->out, f->s, foot + 44);
	svg_end(f->out, flame_script);
}

static int put_flame(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct flame f = {.out = out, .s = s, .metric = o->metric, .by_category = o->by_category};
	int error = frametree_build(&f.tree, s, o->metric, o->layers);

	if (!error)
		put_picture(&f);
	frametree_free(&f.tree);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}

int render_flame(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	return by_category_render(out, s, o, put_flame);
}
