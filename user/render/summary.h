/* SPDX-License-Identifier: GPL-2.0 */
/* Inside the summary: what its parts share. */
#ifndef MS_SUMMARY_H
#define MS_SUMMARY_H

#include "render/lines.h"
#include "render/render.h"

struct summary {
	struct lines lines;
	const struct snapshot *s;
	const struct render_options *o;
};

/* An empty line and a line in bold. */
void summary_heading(struct summary *m, const char *text);
/* "s", but for one. */
const char *summary_plural(uint64_t count);
/* Percent. */
double summary_share(uint64_t part, uint64_t whole);

/* The lists of one layer's stacks.  0 or -ENOMEM. */
int summary_stacks(struct summary *m, enum layer layer);

/* What the allocators of devices have taken. */
void summary_allocators(struct summary *m);
/* What a process has of each device, and what drivers say of it; nothing if it has none. */
void summary_devices(struct summary *m, const struct process *process);

/* What tensors are for, stages, the largest tensors, advice.  0 or -ENOMEM. */
int summary_tensors(struct summary *m);

#endif
