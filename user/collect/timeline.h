/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The time line: points of bounded number.  When it is full every second tick
 * is dropped, so that a run of any length keeps an even spread.
 */
#ifndef MS_TIMELINE_H
#define MS_TIMELINE_H

#include "collect/snapshot.h"

#define TIMELINE_MAX 100000

struct timeline {
	struct point *points;
	size_t count, room;
	uint64_t ticks;  /* begun so far */
	uint64_t stride; /* 1, 2, 4 …: every stride-th tick is kept */
};

/* Begins a tick; false if this one is not kept. */
bool timeline_begin(struct timeline *timeline);
/* Adds a point to the tick; 0 or -ENOMEM. */
int timeline_add(struct timeline *timeline, const struct point *point);
void timeline_free(struct timeline *timeline);

#endif
