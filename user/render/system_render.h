/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outputs of the whole system: like those of render.h, of a view instead of a
 * snapshot.  Return 0 or a negative errno (-EIO when the stream failed).
 */
#ifndef MS_SYSTEM_RENDER_H
#define MS_SYSTEM_RENDER_H

#include <stdio.h>

#include "render/render.h"
#include "system/view.h"

struct system_look {
	struct render_options options; /* metric is not used */
	int sort;                      /* a column's number: system_columns.h */
};

/* One block of the live table; with options.rows also which keys there are. */
int render_system_table(FILE *out, const struct system_view *v, const struct system_look *look);
/* The text at the end: what grew most. */
int render_system_summary(FILE *out, const struct system_view *v, const struct system_look *look);
/* Schema 1. */
int render_system_json(FILE *out, const struct system_view *v);

#endif
