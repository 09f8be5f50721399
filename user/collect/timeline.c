/* SPDX-License-Identifier: GPL-2.0 */
/* The time line. */
#include "collect/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

/* Keeps every second tick; points of one tick share their time. */
static void timeline_halve(struct timeline *t)
{
	size_t i, kept = 0, tick = 0;

	for (i = 0; i < t->count; i++) {
		if (i && t->points[i].t_s != t->points[i - 1].t_s)
			tick++;
		if (tick % 2 == 0)
			t->points[kept++] = t->points[i];
	}
	t->count = kept;
	t->stride *= 2;
}

bool timeline_begin(struct timeline *t)
{
	if (!t->stride)
		t->stride = 1;
	if (t->count >= TIMELINE_MAX)
		timeline_halve(t);
	return t->ticks++ % t->stride == 0;
}

int timeline_add(struct timeline *t, const struct point *point)
{
	if (array_reserve(&t->points, t->count, &t->room, sizeof(*t->points)))
		return -ENOMEM;
	t->points[t->count++] = *point;
	return 0;
}

void timeline_free(struct timeline *t)
{
	free(t->points);
	*t = (struct timeline){0};
}
