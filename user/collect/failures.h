/* SPDX-License-Identifier: GPL-2.0 */
/* System calls that could not have their memory (ENOMEM), by stack. */
#ifndef MS_FAILURES_H
#define MS_FAILURES_H

#include "collect/kernel.h"
#include "symbol/intern.h"

struct failures {
	struct kernel_failure *items; /* each key once */
	size_t count, room;
	struct pair_map places; /* key -> place + 1 */
};

/* One call that asked for `bytes`.  0, or -ENOMEM: it is not counted. */
int failures_add(struct failures *failures, const struct ms_stack_key *key, uint64_t bytes);
void failures_free(struct failures *failures);

#endif
