/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions of one process that call functions of the probe table, and are probed in their
 * place (analyse/callers.h).
 */
#ifndef MS_CALLSITES_H
#define MS_CALLSITES_H

#include "analyse/callers.h"
#include "probe/closer.h"
#include "target/module.h"

struct callsites {
	struct call_place places[CALL_SITES_MAX];
	struct attach *attached[CALL_SITES_MAX]; /* each for itself, so that some can go */
	size_t count;
	bool grown; /* a library came since this was last asked */
};

/*
 * Finds the instructions that lead to where functions returned, and probes those that are not yet.
 * How many are probed then, all in all; or -ENOENT if for some there is none, or another negative
 * errno: what is probed is as before then, or more.
 */
int callsites_add(struct callsites *sites, struct kernel *kernel, pid_t pid,
		  const struct modules *modules, const struct call_place *backs, size_t count);
/* Hands the probes of all that are not among `kept` to the closer. */
void callsites_keep(struct callsites *sites, const struct call_place *kept, size_t count,
		    struct closer *closer);

#endif
