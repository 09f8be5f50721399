/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that lived between two refreshes, added up by their name and their parent's. */
#ifndef MS_GROUPS_H
#define MS_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#define GROUPS_MAX 4096 /* a process names itself: their number must have an end */
#define GROUP_COMM_LEN 16

/* One process that ended. */
struct short_life {
	const char *comm, *parent; /* names */
	int ppid;
	int exit_code; /* as a shell shows it */
	double life_s;
	uint64_t peak_bytes, minor, major;
};

struct group {
	char comm[GROUP_COMM_LEN], parent[GROUP_COMM_LEN];
	int ppid;        /* 0: of several */
	uint64_t count;  /* processes */
	uint64_t recent; /* of them, between the last two marks */
	uint64_t marked; /* for groups.c: count at the last one */
	uint64_t failed; /* of them, with an exit code that is not 0 */
	uint64_t peak_sum_bytes, peak_max_bytes;
	double life_sum_s, life_max_s;
	uint64_t minor, major;
};

struct groups {
	struct group *items; /* by name and parent's name */
	size_t count, room;
	uint64_t unnamed; /* processes that are in the group "[others]" for want of room */
};

/* 0 or -ENOMEM. */
int groups_add(struct groups *g, const struct short_life *life);
/* A refresh is over: says how many there were since the one before. */
void groups_mark(struct groups *g);
void groups_free(struct groups *g);

#endif
