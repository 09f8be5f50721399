/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side of --slab, loaded: programs and maps of bpf/slab/. */
#ifndef MS_USER_SLAB_H
#define MS_USER_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/totals.h"
#include "slab/contract.h"

struct slab;

struct slab_limits {
	size_t blocks; /* live blocks of both layers */
	size_t stacks; /* pieces of stacks, and totals */
};

/*
 * Loads, attaches, and begins to count.  0, or a negative errno after one line.  The
 * tables take all of their memory now.
 */
int slab_open(const struct slab_limits *limits, struct slab **out);
/* Counts no more, and waits for what is under way: the numbers stand still. */
void slab_stop(struct slab *s);
/* Detaches everything and frees; NULL is fine. */
void slab_close(struct slab *s);

/* Whether objects that are allocated or freed in bulk are seen, as kfree_rcu() frees them. */
bool slab_sees_bulk(const struct slab *s);
/* The totals of both layers, by enum slab_layer.  0 or a negative errno. */
int slab_layers(const struct slab *s, struct ms_totals out[SLAB_LAYER_NR]);
/* Every stack's totals; the caller frees *out.  0 or a negative errno. */
int slab_totals(const struct slab *s, struct kernel_total **out, size_t *count);
/* The map of pieces of stacks, for pieces_read(). */
int slab_pieces(const struct slab *s);
/* What is known of the cache with this number; -ENOENT if nothing. */
int slab_cache(const struct slab *s, uint32_t number, struct slab_cache *out);
uint64_t slab_loss(const struct slab *s, enum ms_loss which);

#endif
