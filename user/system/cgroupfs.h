/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file systems of control groups: where they are mounted, and the memory
 * files of one group.  Memory is in version 1 or in version 2, whichever the
 * machine has it in; one may have both mounted.
 */
#ifndef MS_CGROUPFS_H
#define MS_CGROUPFS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cgroupfs {
	struct cgroupfs_mount {
		char *root;  /* what of the hierarchy is mounted, "/" for all */
		char *point; /* where; NULL: not mounted */
	} mounts[2];         /* [true]: memory in version 1; [false]: version 2 */
};

struct cgroupfs_memory {
	uint64_t usage, peak, limit; /* bytes; limit 0: none */
	uint64_t limit_hits, ooms, oom_kills;
};

/* Finds the mounts of this process. */
void cgroupfs_find(struct cgroupfs *fs);
/* The same in a text like /proc/self/mountinfo. */
void cgroupfs_parse(struct cgroupfs *fs, FILE *mountinfo);
void cgroupfs_free(struct cgroupfs *fs);

/* The number of the group at `path`; 0 if it cannot be found. */
uint64_t cgroupfs_id(const struct cgroupfs *fs, bool v1, const char *path);
/* 0, or a negative errno: -ENOENT if the group is gone or has no memory files. */
int cgroupfs_read(const struct cgroupfs *fs, bool v1, const char *path,
		  struct cgroupfs_memory *out);

#endif
