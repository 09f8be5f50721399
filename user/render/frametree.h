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
	uint32_t parent;           /* the root's is 0 */
	uint32_t depth;            /* 0: the root */
	uint32_t base;             /* the node that shares are shares of: the root or a layer */
	enum layer layer;          /* of everything from NODE_LAYER on, or of the only layer */
	size_t process;            /* index, NODE_PROCESS only */
	const struct frame *frame; /* NODE_FRAME only */
	unsigned line_first, line_last; /* of the frames merged here; 0: unknown */
	uint64_t value;                 /* of the metric, children included */
	uint64_t children;              /* sum of the children's values */
	uint64_t allocs;
	uint64_t start; /* the box lies at [start, start + value) */
};

struct frametree {
	/* A caller, then what it calls from left to right, in order of name; nodes[0] is "all". */
	struct tree_node *nodes;
	size_t count;
	bool by_process, by_layer; /* which levels there are below the root */
	unsigned layers;           /* bit mask of the layers that have a value */
};

/* Of the layers in the mask `wanted` (0: all) those with anything to show under `metric`. */
unsigned frametree_layers(const struct snapshot *s, enum metric metric, unsigned wanted);

/*
 * Merges the stacks of the layers `wanted` (0: all) by `metric`.  0 or -ENOMEM;
 * frametree_free() is due either way.
 */
int frametree_build(struct frametree *tree, const struct snapshot *s, enum metric metric,
		    unsigned wanted);
void frametree_free(struct frametree *tree);

#endif
