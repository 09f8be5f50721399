/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks merged into one tree by their common callers, for a flame graph. */
#ifndef MS_FRAMETREE_H
#define MS_FRAMETREE_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/snapshot.h"

enum node_kind { NODE_ROOT, NODE_PROCESS, NODE_LAYER, NODE_FRAME, NODE_IN_FLIGHT };

struct tree_node {
	enum node_kind kind;
	uint32_t parent;  /* its index is below its children's; the root's is 0 */
	uint32_t depth;   /* 0: the root */
	uint32_t base;    /* the node that shares are shares of: the root or a layer */
	size_t process;   /* NODE_PROCESS and below: index; else SIZE_MAX */
	enum layer layer; /* NODE_LAYER and below, and everywhere if there is one layer only */
	const struct frame *frame;      /* NODE_FRAME only */
	unsigned line_first, line_last; /* of the frames merged here; 0: unknown */
	uint64_t value;                 /* of the metric, children included */
	uint64_t allocs;
	uint64_t start; /* sum of the values to its left: boxes lie at [start, start + value) */
	uint32_t children, child_count; /* order[children …] are the children */
};

struct frametree {
	struct tree_node *nodes; /* nodes[0] is the root, which is "all" */
	uint32_t count;
	uint32_t *order;           /* children of one parent side by side, in order of name */
	bool by_process, by_layer; /* which levels there are below the root */
	unsigned layers;           /* bit mask of the layers that have a value */
};

/* Bit mask of the layers with anything to show under `metric`. */
unsigned frametree_layers(const struct snapshot *s, enum metric metric);

/* Merges all stacks by `metric`.  0 or -ENOMEM; frametree_free() is due either way. */
int frametree_build(struct frametree *tree, const struct snapshot *s, enum metric metric);
void frametree_free(struct frametree *tree);

#endif
