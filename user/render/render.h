/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outputs.  One output is one file here and one row of the table in output.c:
 * suffix, name, function.  Each renders a snapshot to a stream and knows
 * nothing else.  Return 0 or a negative errno (-EIO when the stream failed).
 */
#ifndef MS_RENDER_H
#define MS_RENDER_H

#include <stdio.h>

#include "collect/snapshot.h"

struct render_options {
	enum metric metric; /* what a flame graph's width means */
	unsigned layers;    /* bit mask of those a flame graph shows; 0: all */
	bool by_category;   /* flame graph and folded: tensors, by what they are for first */
	size_t top;         /* stacks in a table; 0: the default */
	unsigned columns;   /* width of a table in cells; 0: unlimited (not a terminal) */
	unsigned rows;      /* height, 0: unlimited */
	bool colour;
	bool verbose;
};

typedef int render_fn(FILE *out, const struct snapshot *s, const struct render_options *o);

render_fn render_folded;   /* comm;root;…;leaf value */
render_fn render_flame;    /* flame graph, one self-contained .svg */
render_fn render_timeline; /* memory over time, one self-contained .svg */
render_fn render_json;     /* schema 1 */
render_fn render_table;    /* one block of the live table */
render_fn render_summary;  /* the text at the end of a run */

struct output_format {
	const char *suffix; /* ".folded" */
	const char *name;
	render_fn *render;
};

/* The format whose suffix ends `path`, or NULL. */
const struct output_format *output_find(const char *path);
/*
 * The layer that stands before the suffix, as in "peak.rss.svg", or LAYER_NR.
 */
enum layer output_layer(const char *path);
/* ".folded .svg .json", for messages; static storage. */
const char *output_suffixes(void);
/*
 * Checks, before tracing, that `path` can be written: its directory exists
 * and admits a new file.  0 or a negative errno.  Creates nothing that stays.
 */
int output_check(const char *path);
/*
 * Renders to a temporary file beside `path` and renames it, so that a full
 * disk never leaves half a file over a good one.  0 or a negative errno.
 */
int output_write(const char *path, render_fn *render, const struct snapshot *s,
		 const struct render_options *o);
/* The same for what is no snapshot. */
typedef int output_fn(FILE *out, const void *context);
int output_write_by(const char *path, output_fn *fn, const void *context);

#endif
