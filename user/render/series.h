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
/*
 * The same of the tensors' category of that number in snapshot.category_names, or with
 * SERIES_ALL of all of them.  These curves have the same vertices' times, one by one.
 */
#define SERIES_ALL SIZE_MAX
int series_build_category(struct series *series, const struct snapshot *s, size_t category);
void series_free(struct series *series);

/* Keeps the lowest and the highest vertex of each of `columns` equal spans of time. */
void series_thin(struct series *series, double end_s, unsigned columns);
/*
 * The indices of these vertices, in kept[], which has room for all; returns their number,
 * and that of the highest among them in *highest.
 */
size_t series_keep(const struct series *series, double end_s, unsigned columns, size_t *kept,
		   size_t *highest);
/* Keeps only the `count` vertices at kept[], of which that at `highest` is the highest. */
void series_pick(struct series *series, const size_t *kept, size_t count, size_t highest);

#endif
