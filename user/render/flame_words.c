/* SPDX-License-Identifier: GPL-2.0 */
/* The words around a flame graph's boxes. */
#include <stdlib.h>
#include <string.h>

#include "render/flame.h"
#include "render/parts.h"
#include "render/svg.h"

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

void flame_caption(const struct flame *f)
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

void flame_remarks(const struct flame *f)
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

void flame_legend(const struct flame *f, double y)
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

void flame_empty(const struct flame *f)
{
	fprintf(f->out,
		"<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" "
		"stroke-dasharray=\"5 4\"/>\n",
		SVG_MARGIN, GRAPH_TOP, GRAPH_WIDTH, 5 * ROW);
	svg_text(f->out, SVG_WIDTH / 2.0, GRAPH_TOP + 2.5 * ROW + 5, "empty",
		 f->by_category ? "No tensors were seen: nothing is known by category."
				: metric_texts[f->metric].empty);
}
