/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of what victims of the OOM killer held. */
#include "collect/ooms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The sample to compare with, NULL: the image is younger, or there is none. */
static const struct growth_sample *sample_of(const struct oom *oom, const struct growth *growth)
{
	const struct growth_sample *sample = growth_before(growth, oom->event.time_ns);

	return sample && sample->time_ns == oom->before_ns ? sample : NULL;
}

static int take_rows(struct oom *oom, uint32_t layer, const struct kernel_total *totals,
		     size_t count, const struct growth_sample *sample)
{
	struct oom_row *rows = realloc(oom->rows, (oom->count + count + 1) * sizeof(*rows));
	size_t i;

	if (!rows)
		return -ENOMEM;
	oom->rows = rows;
	for (i = 0; i < count; i++) {
		const struct kernel_total *t = &totals[i];
		int64_t held = t->value.live_bytes > 0 ? t->value.live_bytes : 0, before = 0;

		if (t->key.id != oom->event.image ||
		    (layer < MS_LAYER_NR && key_layer(&t->key) != layer))
			continue;
		if (sample)
			before = growth_held(sample, &t->key);
		if (held || before)
			rows[oom->count++] =
			    (struct oom_row){*t, oom->before_ns ? held - before : 0};
	}
	return 0;
}

int ooms_add(struct ooms *ooms, const struct ms_oom_event *event, const struct ms_image *image,
	     const struct kernel_total *totals, size_t count, const struct growth *growth,
	     uint64_t start_ns)
{
	const struct growth_sample *sample = growth_before(growth, event->time_ns);
	struct oom *items = realloc(ooms->items, (ooms->count + 1) * sizeof(*items)), *oom;
	struct oom_row *fitted;
	int err;

	if (!items)
		return -ENOMEM;
	ooms->items = items;
	oom = &items[ooms->count];
	*oom = (struct oom){.event = *event, .totals = *image};
	/* A younger image held nothing when it began. */
	if (sample)
		oom->before_ns = start_ns > sample->time_ns ? start_ns : sample->time_ns;
	err = take_rows(oom, MS_LAYER_NR, totals, count, sample_of(oom, growth));
	if (err)
		return err;
	fitted = realloc(oom->rows, (oom->count + 1) * sizeof(*fitted));
	if (fitted)
		oom->rows = fitted;
	ooms->count++;
	return 0;
}

struct oom *ooms_find(const struct ooms *ooms, uint32_t image)
{
	size_t i;

	for (i = 0; i < ooms->count; i++)
		if (ooms->items[i].event.image == image)
			return &ooms->items[i];
	return NULL;
}

int oom_replace(struct oom *oom, uint32_t layer, const struct kernel_total *totals, size_t count,
		const struct growth *growth)
{
	size_t i, kept = 0;

	for (i = 0; i < oom->count; i++)
		if (oom->rows[i].total.key.layer != layer)
			oom->rows[kept++] = oom->rows[i];
	oom->count = kept;
	return take_rows(oom, layer, totals, count, sample_of(oom, growth));
}

void ooms_free(struct ooms *ooms)
{
	size_t i;

	for (i = 0; i < ooms->count; i++) {
		free(ooms->items[i].rows);
		free(ooms->items[i].cgroup);
	}
	free(ooms->items);
	*ooms = (struct ooms){0};
}
