/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side's totals, and the numbers of a snapshot that they become. */
#ifndef MS_TOTALS_H
#define MS_TOTALS_H

#include <stddef.h>
#include <stdint.h>

#include "collect/snapshot.h"
#include "memsnoop.h"

struct kernel_total {
	struct ms_stack_key key;
	struct ms_stack_totals value;
};

/*
 * The stacks of the gpu layer are kept for each device: their keys' layer is
 * MS_SPACE(MS_LAYER_GPU, device).
 */
static inline uint32_t key_layer(const struct ms_stack_key *key)
{
	return key->layer & 0xff;
}

static inline uint32_t key_device(const struct ms_stack_key *key)
{
	return key->layer >> 8;
}

/* All of the map `fd`, read in batches; the caller frees *out.  0 or a negative errno. */
int totals_read(int fd, struct kernel_total **out, size_t *count);
/* Those with most live bytes first. */
void totals_sort(struct kernel_total *totals, size_t count);

/* A stack's numbers; what it is a stack of is left to the caller, as are its frames. */
void totals_fill(struct stack *stack, const struct kernel_total *total, int64_t peak_share,
		 int64_t delta);
/* Adds the numbers of a stack that reads the same. */
void totals_add(struct stack *to, const struct stack *from);
/*
 * A layer's numbers; times are since start_ns.  All of the peak is in flight until each
 * stack's share has been taken from it.
 */
void totals_layer(struct layer_totals *layer, const struct ms_totals *totals, uint64_t start_ns);

/* Every loss counter, each 0.  0 or -ENOMEM. */
int totals_losses(struct snapshot *s);

/* What changed since the last snapshot. */
struct deltas {
	struct previous *previous; /* sorted by key */
	size_t count;
};

int64_t deltas_of(const struct deltas *deltas, const struct kernel_total *total);
/* Without memory the old ones stay. */
void deltas_remember(struct deltas *deltas, const struct kernel_total *totals, size_t count);
void deltas_free(struct deltas *deltas);

#endif
