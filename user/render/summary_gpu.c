/* SPDX-License-Identifier: GPL-2.0 */
/* The summary's lines on devices: the gpu layer, one by one, and what drivers say of them. */
#include "render/parts.h"
#include "render/summary.h"

/* Of the titles and of what is below them. */
static const struct {
	const char *title;
	int width;
} columns[] = {
    {"  device ", -18},  {"peak", 11},          {"reached at", 12}, {"held at end", 13},
    {"allocations", 13}, {"by the driver", 15}, {"other", 12},
};

enum { NAME, PEAK, PEAK_AT, HELD, ALLOCATIONS, DRIVER, OTHER };

static void put_cell(struct summary *m, int column, const char *text)
{
	lines_cell(&m->lines, column == PEAK || column == HELD ? STYLE_STRONG : STYLE_PLAIN,
		   columns[column].width, text);
}

static bool says_less(const struct device_totals *d)
{
	return d->driver_compared && d->driver_bytes < d->driver_counted_bytes;
}

static void put_device(struct summary *m, const struct device_totals *d)
{
	const struct layer_totals *t = &d->totals;
	char number[HUMAN_LEN], name[NAME_LEN];

	snprintf(name, sizeof(name), "  %s", d->name);
	put_cell(m, NAME, name);
	put_cell(m, PEAK, text_bytes(number, t->peak_bytes));
	put_cell(m, PEAK_AT, t->peak_bytes ? text_seconds(number, t->peak_at_s) : "");
	put_cell(m, HELD, text_bytes(number, t->live_bytes));
	put_cell(m, ALLOCATIONS, text_count(number, t->allocs));
	put_cell(m, DRIVER, d->driver_known ? text_bytes(number, d->driver_bytes) : "-");
	put_cell(m, OTHER,
		 d->driver_compared && !says_less(d) ? text_bytes(number, snapshot_other(d)) : "-");
	lines_end(&m->lines);
}

/* Things that are mostly not so. */
static void put_remarks(struct summary *m, const struct device_totals *d)
{
	char a[HUMAN_LEN], b[HUMAN_LEN];

	if (d->shared_bytes) {
		lines_put(&m->lines, STYLE_PLAIN,
			  "          %s more are another's, or were there before",
			  text_bytes(a, d->shared_bytes));
		lines_end(&m->lines);
	}
	if (says_less(d)) {
		lines_put(&m->lines, STYLE_PLAIN,
			  "          the driver says %s less than the %s that were counted: memory "
			  "that nobody has touched, or that it rounds or shares",
			  text_bytes(a, d->driver_counted_bytes - d->driver_bytes),
			  text_bytes(b, d->driver_counted_bytes));
		lines_end(&m->lines);
	}
	if (d->driver_peak_bytes > d->driver_bytes) {
		lines_put(&m->lines, STYLE_PLAIN, "          the driver said %s at most",
			  text_bytes(a, d->driver_peak_bytes));
		lines_end(&m->lines);
	}
}

void summary_devices(struct summary *m, const struct process *p)
{
	if (!p->device_count)
		return;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		lines_cell(&m->lines, STYLE_DIM, columns[i].width, columns[i].title);
	lines_end(&m->lines);
	for (size_t i = 0; i < p->device_count; i++) {
		put_device(m, &p->devices[i]);
		put_remarks(m, &p->devices[i]);
	}
}
