/* SPDX-License-Identifier: GPL-2.0 */
/* Whom the OOM killer has chosen, anywhere on the machine. */
#ifndef MS_KILLS_H
#define MS_KILLS_H

#include <stddef.h>
#include <stdint.h>

#include "system/cgroups.h"
#include "system/procs.h"

#define KILLS_MAX 1024 /* the first ones */

struct kill {
	int pid;
	char comm[PROC_COMM_LEN];
	double at_s;                                             /* since watching began */
	uint64_t rss_bytes, anon_bytes, file_bytes, shmem_bytes; /* the first is the others' sum */
	uint64_t swap_bytes, page_table_bytes, mapped_bytes;
	int oom_score_adj;
	char *cgroup; /* path of its control group, NULL: the root's, or not known */
	uint64_t usage_bytes, limit_bytes; /* of that group; limit 0: none */
};

struct kills {
	struct kill *items; /* in their order */
	size_t count;
	uint64_t unlisted;
};

struct ms_system_oom;

/*
 * `began_s` is when watching began, on the event's clock.  What the kernel did not tell
 * is taken from what the last pass found.
 */
void kills_add(struct kills *kills, const struct ms_system_oom *event, double began_s,
	       struct cgroups *cgroups, const struct procs *procs);
void kills_free(struct kills *kills);

#endif
