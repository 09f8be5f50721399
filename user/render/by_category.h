/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --by category: the tensors' stacks begun by what the tensors are for and ended by their
 * shape, as a snapshot that flame graph and folded stacks draw like any other.
 */
#ifndef MS_BY_CATEGORY_H
#define MS_BY_CATEGORY_H

#include "collect/snapshot.h"
#include "render/render.h"

/* Whether a metric is known by category: what the tensors hold, not what they ever took. */
bool by_category_has(enum metric metric);
/* Whether anything is known by category. */
bool by_category_any(const struct snapshot *s);

/*
 * Makes `view` of `s`, which must outlive it.  Its stacks are all of the tensor layer: what a
 * category has and no tensor in the list accounts for is a stack of its own, and what the
 * layer's peak has beyond all categories is in flight; so they sum to the layer's peak, or
 * above it where devices peak at different times or tensors are older than the trace.
 * 0 or -ENOMEM; by_category_free() is due either way.
 */
int by_category_view(struct snapshot *view, const struct snapshot *s, enum metric metric);
void by_category_free(struct snapshot *view);

/* Renders what `o` asks for: the snapshot itself, or its view by category. */
int by_category_render(FILE *out, const struct snapshot *s, const struct render_options *o,
		       render_fn *render);

#endif
