/* SPDX-License-Identifier: GPL-2.0 */
/* Scales, axes, and labels that do not overlap. */
#include "render/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "render/svg.h"

double plot_x(const struct plot *p, double t_s)
{
	double share = t_s / p->end_s;

	return p->left + (p->right - p->left) * fmin(fmax(share, 0), 1);
}

double plot_y(const struct plot *p, uint64_t bytes)
{
	double share = (double)bytes / p->max_bytes;

	return p->bottom - (p->bottom - p->top) * fmin(share, 1);
}

/* ---- axes -------------------------------------------------------------------- */

struct unit {
	double size, from; /* used for values from `from` on */
	const char *name;
};

static const struct unit byte_units[] = {
    {0x1p60, 0x1p60, "EiB"},
    {0x1p50, 0x1p50, "PiB"},
    {0x1p40, 0x1p40, "TiB"},
    {0x1p30, 0x1p30, "GiB"},
    {0x1p20, 0x1p20, "MiB"},
    {0x1p10, 0x1p10, "KiB"},
    {1, 0, "B"},
};

static const struct unit time_units[] = {
    {86400, 4 * 86400, "days"}, {3600, 3 * 3600, "hours"}, {60, 300, "minutes"},
    {1, 1.5, "seconds"},        {1e-3, 2e-3, "ms"},        {1e-6, 0, "µs"},
};

static const struct unit *unit_of(const struct unit *units, size_t count, double value)
{
	for (size_t i = 0; i + 1 < count; i++)
		if (value >= units[i].from)
			return &units[i];
	return &units[count - 1];
}

#define UNIT_OF(units, value) unit_of(units, sizeof(units) / sizeof(units[0]), value)

/* 1, 2, 2.5 or 5 times a power of ten, so that `span` has at most `most` steps. */
static double nice_step(double span, double most, bool whole)
{
	static const double factors[] = {1, 2, 2.5, 5, 10};
	double power = pow(10, floor(log10(span / most)));

	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		double step = factors[i] * power;

		if (step * most >= span * (1 - 1e-9) && (!whole || step == floor(step)))
			return step;
	}
	return fmax(10 * power, whole ? 1 : 0);
}

void plot_scale(struct plot *p, uint64_t highest)
{
	double value = highest ? (double)highest : 1;
	const struct unit *unit = UNIT_OF(byte_units, value);
	/* a label above the peak takes a tenth of the height */
	double span = value / unit->size * 1.1;
	double step = nice_step(span, 8, unit->size == 1);

	p->max_bytes = ceil(span / step - 1e-9) * step * unit->size;
	p->step_bytes = step * unit->size;
	p->unit_bytes = unit->size;
	p->unit = unit->name;
}

static void line(const struct plot *p, double x1, double y1, double x2, double y2)
{
	fputs("<path class=\"grid\" d=\"M", p->out);
	svg_number(p->out, x1);
	fputc(' ', p->out);
	svg_number(p->out, y1);
	fputc('L', p->out);
	svg_number(p->out, x2);
	fputc(' ', p->out);
	svg_number(p->out, y2);
	fputs("\"/>\n", p->out);
}

static void byte_axis(const struct plot *p)
{
	char text[64];

	for (int i = 0; i * p->step_bytes <= p->max_bytes * (1 + 1e-9); i++) {
		double y = p->bottom - (p->bottom - p->top) * i * p->step_bytes / p->max_bytes;

		line(p, p->left, y, p->right, y);
		snprintf(text, sizeof(text), "%.6g %s", i * p->step_bytes / p->unit_bytes, p->unit);
		svg_text(p->out, p->left - 8, y + 4, "tick end", i ? text : "0");
	}
}

static void time_axis(const struct plot *p)
{
	const struct unit *unit = UNIT_OF(time_units, p->end_s);
	double step = nice_step(p->end_s / unit->size, 12, false);
	char text[64];

	for (int i = 0; i * step * unit->size <= p->end_s * (1 + 1e-9); i++) {
		double x = plot_x(p, i * step * unit->size);

		line(p, x, p->top, x, p->bottom + 5);
		snprintf(text, sizeof(text), "%.6g", i * step);
		svg_text(p->out, x, p->bottom + 20, "tick mid", text);
	}
	snprintf(text, sizeof(text), "time since tracing began, %s", unit->name);
	svg_text(p->out, (p->left + p->right) / 2, p->bottom + 40, "note mid", text);
}

void plot_axes(const struct plot *p)
{
	byte_axis(p);
	time_axis(p);
}

/* ---- labels ------------------------------------------------------------------- */

static bool overlap(const struct plot_box *a, const struct plot_box *b)
{
	return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
	       b->y < a->y + a->height;
}

static bool is_free(const struct plot_labels *labels, const struct plot *p,
		    const struct plot_box *box)
{
	if (box->x < p->left + 3 || box->x + box->width > p->right - 3 || box->y < p->top + 2 ||
	    box->y + box->height > p->bottom - 3)
		return false;
	for (unsigned i = 0; i < labels->count; i++)
		if (overlap(&labels->taken[i], box))
			return false;
	return true;
}

void plot_take(struct plot_labels *labels, struct plot_box box)
{
	if (labels->count < PLOT_BOXES)
		labels->taken[labels->count++] = box;
}

struct plot_box plot_place(struct plot_labels *labels, const struct plot *p, double x, double y,
			   double width, double height)
{
	/* where the box's centre lies: shares of its size from the point, and px to keep off */
	static const struct {
		double right, down;
		double gap_x, gap_y;
	} places[] = {
	    {0, -0.5, 0, -9},   {0.5, -0.5, 4, -7},   {-0.5, -0.5, -4, -7}, {0.5, 0, 11, 0},
	    {-0.5, 0, -11, 0},  {0.5, 0.5, 6, 8},     {-0.5, 0.5, -6, 8},   {0, 0.5, 0, 9},
	    {0.5, -1.5, 4, -9}, {-0.5, -1.5, -4, -9}, {0.5, 1.5, 4, 9},     {-0.5, 1.5, -4, 9},
	};
	struct plot_box box = {0, 0, width, height};
	double left = p->left + 4, right = p->right - 4 - width;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		box.x = x + places[i].right * width + places[i].gap_x - width / 2;
		box.y = y + places[i].down * height + places[i].gap_y - height / 2;
		if (is_free(labels, p, &box))
			goto found;
	}
	box.x = fmax(left, fmin(x - width / 2, right));
	for (int row = 0; row < 2 * (p->bottom - p->top) / height; row++) {
		box.y = p->top + 3 + row * height / 2;
		if (is_free(labels, p, &box))
			goto found;
	}
	box.y = p->top + 3;
found:
	plot_take(labels, box);
	return box;
}
