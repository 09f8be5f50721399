/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory control groups that traced processes are in: their limits, and how
 * often those were hit.  Both versions.
 */
#ifndef MS_LIMITS_H
#define MS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/cgroupfs.h"

struct limit {
	char *path;
	bool v1;
	uint64_t seen_ns;             /* first */
	struct cgroupfs_memory first; /* then */
	struct cgroupfs_memory last;  /* as last read */
};

struct limits {
	struct cgroupfs fs;
	struct limit *items;
	size_t count;
	uint64_t due_ns;
};

void limits_init(struct limits *limits);
void limits_free(struct limits *limits);

/*
 * Notes the group that `pid` is in, read now if it is new.  Its place in items;
 * -1 if it is in none, is gone, or without memory.
 */
long limits_see(struct limits *limits, pid_t pid, uint64_t now_ns);
/* Reads every group again; one that is gone keeps what was read last. */
void limits_read(struct limits *limits);
/* Whether it is time to do both again; if so the next time is set. */
bool limits_due(struct limits *limits, uint64_t now_ns);

#endif
