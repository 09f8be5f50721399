/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of the whole system after a refresh, for render/: plain C, nothing
 * of BPF.  It points into the collectors and is valid until the next refresh.
 */
#ifndef MS_VIEW_H
#define MS_VIEW_H

#include "collect/snapshot.h"
#include "system/cgroups.h"
#include "system/groups.h"
#include "system/kills.h"
#include "system/meminfo.h"
#include "system/procs.h"

struct system_view {
	double duration_s, interval_s;
	uint64_t refreshes;
	double refresh_s; /* what one took, on average */
	struct meminfo memory;
	struct pressure pressure;
	const struct proc *running; /* by pid */
	size_t running_count;
	const struct proc *ended; /* longer-lived ones, in no order */
	size_t ended_count;
	const struct cgroup *const *cgroups; /* in no order */
	size_t cgroup_count;
	const struct group *groups;
	size_t group_count;
	const struct kill *kills;
	size_t kill_count;
	const struct loss *losses; /* every counter, zero or not */
	size_t loss_count;
};

#endif
