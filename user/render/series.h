/* SPDX-License-Identifier: GPL-2.0 */
/* Memory over time as curves: the ticks of all processes, summed layer by layer. */
#ifndef MS_SERIES_H
#define MS_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/snapshot.h"

struct vertex {
	double t_s;
	uint64_t bytes;
};

struct series {
	enum layer layer; /* LAYER_RSS: resident memory */
	struct vertex *vertices;
	size_t count;
	size_t highest; /* index of the first highest vertex; valid if count */
	bool exact;     /* highest is the layer's peak itself, not just the highest tick */
};

/*
 * The curve of one layer, or of RSS.  A layer's exact peak lies between two
 * ticks: it becomes a vertex of its own.  With several processes the values
 * known last are added up, and an ended process counts no more.
 * 0 or -ENOMEM; series_free() is due either way.
 */
int series_build(struct series *series, const struct snapshot *s, enum layer layer);
void series_free(struct series *series);

/* Keeps the lowest and the highest vertex of each of `columns` equal spans of time. */
void series_thin(struct series *series, double end_s, unsigned columns);

#endif
