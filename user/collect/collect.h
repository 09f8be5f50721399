/* SPDX-License-Identifier: GPL-2.0 */
/* BPF maps, /proc and symbols -> snapshot. */
#ifndef MS_COLLECT_H
#define MS_COLLECT_H

#include "analyse/own.h"
#include "collect/snapshot.h"
#include "symbol/symbol.h"
#include "target/target.h"

struct collect;

/* Time zero is now.  `rules` are the user's own stages and categories. */
struct collect *collect_new(struct kernel *kernel, struct target *target,
			    const struct probe_table *table, struct symbols *symbols,
			    const struct kernel_options *limits, const struct own_rules *rules);
void collect_free(struct collect *collect);

/* What the kernel side told, after the target has heard of it, in its order. */
void collect_event(struct collect *collect, const struct ms_event *event);
void collect_vm(struct collect *collect, const struct ms_vm_event *event);
void collect_oom(struct collect *collect, const struct ms_oom_event *event);
void collect_gpu(struct collect *collect, const struct ms_gpu_event *event);
void collect_tensor(struct collect *collect, const struct ms_tensor_event *event);
/* Thread `tid`, held, is about to exit: a last look at its process's memory, if it is the first. */
void collect_exiting(struct collect *collect, pid_t tid);
/* Processes may have begun to count: what they have mapped so far is looked up. */
void collect_follow(struct collect *collect);

/*
 * Before a snapshot, and with `final` before the last one: compares the accounts of
 * running processes with what they have mapped, which should be the same, and looks
 * at their pages.  `drain` reads the events that are there.
 */
void collect_settle(struct collect *collect, bool final, void (*drain)(void *context),
		    void *context);

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
