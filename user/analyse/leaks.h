/* SPDX-License-Identifier: GPL-2.0 */
/* Tensors that stay from iteration to iteration: by stack, as of the end of a step. */
#ifndef MS_LEAKS_H
#define MS_LEAKS_H

#include "analyse/blocks.h"

/* Iterations from which something must have stayed, each older than the last one. */
#define LEAK_ITERATIONS 3

struct leak {
	uint64_t stack;
	uint32_t since;      /* the iteration of the oldest */
	uint32_t iterations; /* from how many there are some */
	uint64_t blocks, bytes;
};

struct leaks {
	struct leak *items; /* most bytes first */
	size_t count;
};

/*
 * Looks anew, when `iteration` steps are over, at those blocks that `may` says can be any.
 * 0 or -ENOMEM.
 */
typedef bool leak_fn(const struct tensor_block *block, void *context);
int leaks_look(struct leaks *leaks, const struct blocks *blocks, uint32_t iteration, leak_fn *may,
	       void *context);
void leaks_free(struct leaks *leaks);

#endif
