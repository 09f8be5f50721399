/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every process of the machine, from pass to pass, and the longer-lived ones that
 * ended.  A process is known by its pid and when it started.
 */
#ifndef MS_PROCS_H
#define MS_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/cgroups.h"
#include "system/groups.h"
#include "system/rates.h"

#define PROC_COMM_LEN 16
#define PROC_CONTAINER_LEN 65
#define PROCS_ENDED_MAX 1024 /* of those that grew most */

struct proc {
	int pid, ppid;
	unsigned uid, threads;
	char comm[PROC_COMM_LEN];
	char *cmdline; /* only of those that run, after procs_read_cmdlines(); may be NULL */
	const struct cgroup *cgroup;        /* NULL: the root's, or it ended */
	char container[PROC_CONTAINER_LEN]; /* id, or "" */
	double start_s, end_s;              /* since tracing began; start_s may be negative */
	uint64_t rss_bytes, anon_bytes, file_bytes, shmem_bytes; /* the first is the others' sum */
	uint64_t rss_peak_bytes;
	uint64_t swap_bytes, mapped_bytes, page_table_bytes, hugetlb_bytes;
	uint64_t minor, major; /* faults since it started */
	int oom_score, oom_score_adj;
	struct rates rates;
	int64_t growth_bytes; /* of RSS, since it was first seen, or born if we saw that */
	bool ended, exit_known;
	int exit_code; /* as a shell shows it; valid if exit_known */

	/* for procs.c */
	struct history history;
	uint64_t start_ns;
	uint64_t first_bytes;
	unsigned missed; /* passes in a row that did not find it */
	bool grouped;    /* its end was counted in the groups */
};

struct procs;
struct ms_system_process;
struct ms_system_thread;
struct ms_system_end;

/* `interval_s`: time between passes; what lived less goes to the groups when it ends. */
struct procs *procs_new(struct cgroups *cgroups, double interval_s);
void procs_free(struct procs *p);

/*
 * A refresh, in this order: procs_begin(), what the pass found, procs_found(), the
 * ends since the last one, procs_finish().  `total_bytes` is memory and swap, for the
 * OOM score.
 */
void procs_begin(struct procs *p, double now_s);
void procs_add(struct procs *p, const struct ms_system_process *process);
void procs_add_thread(struct procs *p, const struct ms_system_thread *thread);
/* Whether the pass has found it so far, or one of its threads. */
bool procs_knows(const struct procs *p, int pid);
/* What the last pass found of it, NULL: nothing. */
const struct proc *procs_find(const struct procs *p, int pid);
/* 0 or -ENOMEM: there was no room for one of the above. */
int procs_found(struct procs *p, uint64_t total_bytes);
void procs_end(struct procs *p, const struct ms_system_end *end);
int procs_finish(struct procs *p);

/* Reads the command line of each that runs. */
void procs_read_cmdlines(struct procs *p);

/* Valid until the next refresh. */
const struct proc *procs_running(const struct procs *p, size_t *count);
const struct proc *procs_ended(const struct procs *p, size_t *count);
const struct groups *procs_groups(const struct procs *p);
/* Ended processes that the list had no room for. */
uint64_t procs_unlisted(const struct procs *p);

#endif
