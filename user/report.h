/* SPDX-License-Identifier: GPL-2.0 */
/* The end of a run: every output that was asked for, of one snapshot. */
#ifndef MS_REPORT_H
#define MS_REPORT_H

#include <stdio.h>

#include "options.h"
#include "render/render.h"

/* How text on `out` looks. */
struct render_options report_options(const struct options *options, FILE *out);
/*
 * Writes the files, and the summary or the JSON document: to `text` and to stdout.  Every
 * output is tried, whatever became of the others.  0, or a negative errno after a line.
 */
int report_write(const struct options *options, const struct snapshot *snapshot, FILE *text);

#endif
