/* SPDX-License-Identifier: GPL-2.0 */
/* Reads control groups' memory files. */
#include "collect/limits.h"

#include <stdlib.h>
#include <string.h>

#include "target/process.h"

#define STEP_NS 1000000000ULL

void limits_init(struct limits *l)
{
	*l = (struct limits){0};
	cgroupfs_find(&l->fs);
}

void limits_free(struct limits *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->items[i].path);
	free(l->items);
	cgroupfs_free(&l->fs);
}

static long find(const struct limits *l, const char *path, bool v1)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->items[i].v1 == v1 && !strcmp(l->items[i].path, path))
			return (long)i;
	return -1;
}

/* Takes `path` over. */
static long add(struct limits *l, char *path, bool v1, uint64_t now_ns)
{
	struct limit limit = {.path = path, .v1 = v1, .seen_ns = now_ns};
	struct limit *items;

	if (cgroupfs_read(&l->fs, v1, path, &limit.first))
		goto fail;
	items = realloc(l->items, (l->count + 1) * sizeof(*items));
	if (!items)
		goto fail;
	limit.last = limit.first;
	l->items = items;
	l->items[l->count] = limit;
	return (long)l->count++;
fail:
	free(path);
	return -1;
}

long limits_see(struct limits *l, pid_t pid, uint64_t now_ns)
{
	/* where both are mounted, memory is in version 1 if it is anywhere there */
	bool v1 = l->fs.mounts[true].point;
	char *path = process_cgroup(pid, v1 ? "memory" : "");
	long at;

	/* the root has no limit but the machine's */
	if (!path || !strcmp(path, "/")) {
		free(path);
		return -1;
	}
	at = find(l, path, v1);
	if (at < 0)
		return add(l, path, v1, now_ns);
	free(path);
	return at;
}

void limits_read(struct limits *l)
{
	struct cgroupfs_memory now;
	size_t i;

	for (i = 0; i < l->count; i++)
		if (!cgroupfs_read(&l->fs, l->items[i].v1, l->items[i].path, &now))
			l->items[i].last = now;
}

bool limits_due(struct limits *l, uint64_t now_ns)
{
	if (now_ns < l->due_ns)
		return false;
	l->due_ns = now_ns + STEP_NS;
	return true;
}
