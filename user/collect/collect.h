/* SPDX-License-Identifier: GPL-2.0 */
/* BPF maps, /proc and symbols -> snapshot. */
#ifndef MS_COLLECT_H
#define MS_COLLECT_H

#include "collect/snapshot.h"
#include "symbol/symbol.h"
#include "target/target.h"

struct collect;

/* Time zero is now. */
struct collect *collect_new(struct kernel *kernel, struct target *target,
			    const struct probe_table *table, struct symbols *symbols,
			    const struct kernel_options *limits);
void collect_free(struct collect *collect);

/* One point of the time line per running process. */
void collect_tick(struct collect *collect);
/* Makes room in the kernel's tables if ended processes fill them; now and then. */
void collect_make_room(struct collect *collect);
double collect_seconds(const struct collect *collect);

/*
 * What was seen so far.  `top` limits the stacks to those with most live bytes
 * (for a table); 0 is all.  Each call is a tick for the stacks' deltas.  The
 * snapshot's strings live as long as the symboliser.  0 or a negative errno.
 */
int collect_snapshot(struct collect *collect, const char *title, size_t top, struct snapshot **out);

#endif
