/* SPDX-License-Identifier: GPL-2.0 */
#include "system/groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const struct group *g, const char *comm, const char *parent)
{
	int order = strcmp(g->comm, comm);

	return order ? order : strcmp(g->parent, parent);
}

/* Where the group is, or belongs. */
static size_t place_of(const struct groups *g, const char *comm, const char *parent)
{
	size_t low = 0, high = g->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(&g->items[middle], comm, parent) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct group *find(const struct groups *g, const char *comm, const char *parent)
{
	size_t at = place_of(g, comm, parent);

	return at < g->count && !compare(&g->items[at], comm, parent) ? &g->items[at] : NULL;
}

static struct group *insert(struct groups *g, const char *comm, const char *parent, int ppid)
{
	size_t at = place_of(g, comm, parent);

	if (g->count == g->room) {
		size_t room = g->room ? 2 * g->room : 64;
		struct group *items = reallocarray(g->items, room, sizeof(*items));

		if (!items)
			return NULL;
		g->items = items;
		g->room = room;
	}
	memmove(&g->items[at + 1], &g->items[at], (g->count - at) * sizeof(*g->items));
	g->count++;
	memset(&g->items[at], 0, sizeof(g->items[at]));
	snprintf(g->items[at].comm, GROUP_COMM_LEN, "%s", comm);
	snprintf(g->items[at].parent, GROUP_COMM_LEN, "%s", parent);
	g->items[at].ppid = ppid;
	return &g->items[at];
}

int groups_add(struct groups *g, const struct short_life *life)
{
	struct group *group = find(g, life->comm, life->parent);

	if (!group && g->count >= GROUPS_MAX) {
		g->unnamed++;
		group = find(g, "[others]", "");
		if (!group)
			group = insert(g, "[others]", "", 0);
	} else if (!group) {
		group = insert(g, life->comm, life->parent, life->ppid);
	}
	if (!group)
		return -ENOMEM;
	if (group->ppid != life->ppid)
		group->ppid = 0;
	group->count++;
	group->failed += life->exit_code != 0;
	group->peak_sum_bytes += life->peak_bytes;
	if (life->peak_bytes > group->peak_max_bytes)
		group->peak_max_bytes = life->peak_bytes;
	group->life_sum_s += life->life_s;
	if (life->life_s > group->life_max_s)
		group->life_max_s = life->life_s;
	group->minor += life->minor;
	group->major += life->major;
	return 0;
}

void groups_mark(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++) {
		struct group *group = &g->items[i];

		group->recent = group->count - group->marked;
		group->marked = group->count;
	}
}

void groups_free(struct groups *g)
{
	free(g->items);
	memset(g, 0, sizeof(*g));
}
