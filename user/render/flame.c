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
#include "render/flame.h"
#include "render/parts.h"
#include "render/render.h"
#include "render/svg.h"

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
	flame_caption(f);
	flame_remarks(f);
	fputs("<g id=\"boxes\">\n", f->out);
	/* in the tree's order, which is also that of the Tab key */
	for (size_t i = 0; i < f->tree.count && f->rows; i++)
		if (is_drawn(f, &f->tree.nodes[i]))
			put_box(f, &f->tree.nodes[i]);
	if (!f->rows)
		flame_empty(f);
	fputs("</g>\n", f->out);
	if (f->rows) {
		fprintf(f->out, "<text id=\"details\" class=\"note\" x=\"%d\" y=\"%.0f\">",
			SVG_MARGIN, foot - 5);
		fputs("Width is the share of memory; callers are below, what they call is "
		      "above.</text>\n",
		      f->out);
	}
	flame_legend(f, foot + 20);
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
