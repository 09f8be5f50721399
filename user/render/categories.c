/* SPDX-License-Identifier: GPL-2.0 */
/* Areas stacked by category: curves, colours, legend. */
#include "render/categories.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/category_look.h"
#include "render/lines.h"
#include "render/parts.h"
#include "render/svg.h"

#define SWATCH 12
#define KEY_TYPE 13 /* px of the legend's type */

static const char legend[] = "tensors at their peak: ";

static int compare_areas(const void *a, const void *b)
{
	const struct category_area *x = a, *y = b;
	unsigned i = category_rank(x->name), j = category_rank(y->name);

	return i != j ? (i < j ? -1 : 1) : strcmp(x->name, y->name);
}

int categories_build(struct category_stack *stack, struct series *total, const struct snapshot *s)
{
	int error = 0;

	*stack = (struct category_stack){0};
	*total = (struct series){.layer = LAYER_TENSOR};
	if (!s->category_point_count)
		return 0;
	stack->areas = calloc(s->category_name_count + 1, sizeof(*stack->areas));
	if (!stack->areas)
		return -ENOMEM;
	error = series_build_category(total, s, SERIES_ALL);
	for (size_t i = 0; i < s->category_name_count && !error; i++) {
		struct category_area *area = &stack->areas[stack->count];

		area->name = s->category_names[i];
		error = series_build_category(&area->series, s, i);
		if (!error && area->series.count &&
		    area->series.vertices[area->series.highest].bytes)
			stack->count++;
		else
			series_free(&area->series);
	}
	qsort(stack->areas, stack->count, sizeof(*stack->areas), compare_areas);
	return error;
}

void categories_free(struct category_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		series_free(&stack->areas[i].series);
	free(stack->areas);
	*stack = (struct category_stack){0};
}

void categories_thin(struct category_stack *stack, struct series *total, double end_s,
		     unsigned columns)
{
	size_t *kept, count, highest;

	if (total->count <= 2 * (size_t)columns || end_s <= 0)
		return;
	kept = malloc(total->count * sizeof(*kept));
	/* without memory all is drawn */
	if (!kept)
		return;
	count = series_keep(total, end_s, columns, kept, &highest);
	series_pick(total, kept, count, highest);
	for (size_t i = 0; i < stack->count; i++)
		series_pick(&stack->areas[i].series, kept, count, highest);
	free(kept);
}

/* ---- areas ---------------------------------------------------------------------- */

void categories_put_style(FILE *out, const struct category_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		fprintf(out, ".cat%zu{fill:%s}\n", i, category_colour(stack->areas[i].name));
}

static void put_point(const struct plot *p, const struct vertex *v, uint64_t bytes, char command)
{
	fputc(command, p->out);
	svg_number(p->out, plot_x(p, v->t_s));
	fputc(' ', p->out);
	svg_number(p->out, plot_y(p, bytes));
}

/* Between lower[] and upper[], bytes by vertex. */
static void put_area(const struct plot *p, const struct category_area *area, size_t index,
		     const uint64_t *lower, const uint64_t *upper)
{
	const struct series *series = &area->series;

	fputs("<g class=\"part\" data-name=\"", p->out);
	text_print_xml(p->out, area->name);
	fprintf(p->out, "\" data-layer=\"cat%zu\" data-v=\"", index);
	for (size_t i = 0; i < series->count; i++)
		fprintf(p->out, "%s%" PRIu64, i ? " " : "", series->vertices[i].bytes);
	fprintf(p->out, "\"><path class=\"part cat%zu\" d=\"", index);
	for (size_t i = 0; i < series->count; i++)
		put_point(p, &series->vertices[i], upper[i], i ? 'L' : 'M');
	for (size_t i = series->count; i--;)
		put_point(p, &series->vertices[i], lower[i], 'L');
	fputs("Z\"/></g>\n", p->out);
}

void categories_put_areas(const struct plot *p, const struct category_stack *stack)
{
	size_t count = stack->count ? stack->areas[0].series.count : 0;
	uint64_t *lower = calloc(count + 1, sizeof(*lower));
	uint64_t *upper = calloc(count + 1, sizeof(*upper));

	fputs("<g id=\"parts\" data-t=\"", p->out);
	for (size_t i = 0; i < count; i++)
		fprintf(p->out, "%s%.7g", i ? " " : "", stack->areas[0].series.vertices[i].t_s);
	fputs("\">\n", p->out);
	for (size_t i = 0; i < stack->count && lower && upper; i++) {
		for (size_t k = 0; k < count; k++)
			upper[k] = lower[k] + stack->areas[i].series.vertices[k].bytes;
		put_area(p, &stack->areas[i], i, lower, upper);
		memcpy(lower, upper, count * sizeof(*lower));
	}
	fputs("</g>\n", p->out);
	free(lower);
	free(upper);
}

/* ---- legend ----------------------------------------------------------------------- */

static void put_key(const struct plot *p, size_t index, double x, double y, const char *text)
{
	fprintf(p->out,
		"<rect class=\"swatch cat%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" "
		"rx=\"2\"/>\n",
		index, x, y - 10.5, SWATCH, SWATCH);
	svg_text(p->out, x + SWATCH + 6, y, "key", text);
}

unsigned categories_put_legend(const struct plot *p, const struct category_stack *stack,
			       const struct series *total, double y)
{
	double left = p->left + KEY_TYPE * 0.56 * (sizeof(legend) - 1), x = left;
	unsigned rows = stack->count != 0;
	char text[NAME_LEN + HUMAN_LEN], human[HUMAN_LEN];

	if (rows && p->out)
		svg_text(p->out, p->left, y, "key", legend);
	for (size_t i = 0; i < stack->count; i++) {
		const struct category_area *area = &stack->areas[i];
		uint64_t bytes = area->series.vertices[total->highest].bytes;
		double width;

		snprintf(text, sizeof(text), "%.200s %s", area->name, text_bytes(human, bytes));
		width = SWATCH + 6 + KEY_TYPE * 0.56 * lines_width(text) + 16;
		if (x + width > p->right && x > left) {
			x = left;
			rows++;
		}
		if (p->out)
			put_key(p, i, x, y + CATEGORY_ROW * (rows - 1.0), text);
		x += width;
	}
	return rows;
}
