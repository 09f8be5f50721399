/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control groups that have processes, and all above them: containers, systemd's
 * services and slices.  Which one a process is in, the kernel says by number; its
 * path is found once.
 */
#ifndef MS_CGROUPS_H
#define MS_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/cgroupfs.h"
#include "system/rates.h"

struct cgroup {
	char *path;      /* in its hierarchy; "[cgroup 123]" if it could not be found */
	char *name;      /* the path with the ids of containers cut short */
	char *leaf;      /* the part of the name that tells most: the container's, or the last */
	char *container; /* id, or NULL */
	bool v1;
	bool memory;        /* it has the files of the memory controller */
	unsigned processes; /* in it and below */
	uint64_t rss_bytes; /* of those */
	uint64_t usage_bytes, peak_bytes;
	uint64_t limit_bytes; /* 0: none */
	uint64_t limit_hits;  /* version 1: failcnt; 2: max of memory.events */
	uint64_t ooms;        /* version 2: oom of memory.events */
	uint64_t oom_kills;
	struct rates rates;   /* of usage, or without it of RSS */
	int64_t growth_bytes; /* the same, since it was first seen */
};

struct cgroups;

/* NULL without memory. */
struct cgroups *cgroups_new(void);
void cgroups_free(struct cgroups *c);

/* A refresh: cgroups_begin(), cgroups_add() for each process, cgroups_end(). */
void cgroups_begin(struct cgroups *c);
/*
 * Counts a process in its control group: `id` is the inode number, 0 if it is not known.  What it
 * is in, or NULL if that is the root (or there is no memory).  Valid until cgroups_end() of the
 * next refresh in which it has no process.
 */
const struct cgroup *cgroups_add(struct cgroups *c, uint64_t id, bool v1, pid_t pid,
				 uint64_t rss_bytes);
/*
 * Between refreshes: the path of a group that a process is or was in, to be freed, and
 * its memory files.  NULL: the root, gone, or without memory.
 */
char *cgroups_path(const struct cgroups *c, uint64_t id, bool v1, pid_t pid,
		   struct cgroupfs_memory *memory);
/* Reads the files of each; forgets those without processes.  0 or -ENOMEM. */
int cgroups_end(struct cgroups *c, double now_s);

/* All but the roots, in no order; valid until the next cgroups_end(). */
const struct cgroup *const *cgroups_list(const struct cgroups *c, size_t *count);
/* How many could not be found. */
uint64_t cgroups_unnamed(const struct cgroups *c);

#endif
