/* SPDX-License-Identifier: GPL-2.0 */
/* The executable mappings of a process, from /proc/PID/maps. */
#ifndef MS_MAPPINGS_H
#define MS_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
	uint64_t start, end; /* addresses */
	uint64_t offset;     /* in the file */
	uint64_t device;     /* as makedev(3) gives it; 0 with inode 0: no file */
	uint64_t inode;
	char *path; /* as the target sees it, without " (deleted)"; "[vdso]"; never NULL */
};

struct mappings {
	struct mapping *items; /* sorted by start */
	size_t count;
	bool anonymous; /* there is executable memory without a name, or of no program: a JIT's */
};

/*
 * Reads the executable mappings that have a name.  0 or a negative errno:
 * -ESRCH if the process is gone or has no memory of its own.
 */
int mappings_read(pid_t pid, struct mappings *out);
void mappings_free(struct mappings *mappings);
/* The mapping that holds `address`, or NULL. */
const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address);

#endif
