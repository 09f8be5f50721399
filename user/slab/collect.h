/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of --slab -> snapshot: the kernel as one process, with pid 0. */
#ifndef MS_SLAB_COLLECT_H
#define MS_SLAB_COLLECT_H

#include "collect/snapshot.h"
#include "slab/slab.h"
#include "symbol/kallsyms.h"

struct slab_collect;

/* Time zero is now.  Both must outlive it.  NULL without memory. */
struct slab_collect *slab_collect_new(const struct slab *slab, const struct kallsyms *symbols);
void slab_collect_free(struct slab_collect *c);

/* One point of the time line. */
void slab_collect_tick(struct slab_collect *c);
/*
 * What was seen so far.  `top` limits the stacks to those with most live bytes (for a
 * table); 0 is all.  The snapshot's frames live as long as `c`.  0 or a negative errno.
 */
int slab_collect_snapshot(struct slab_collect *c, size_t top, struct snapshot **out);

#endif
