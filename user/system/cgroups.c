/* SPDX-License-Identifier: GPL-2.0 */
#include "system/cgroups.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/cgroupfs.h"
#include "target/process.h"

#define SHORT_ID 12 /* digits of a container's id that people are used to */
#define TRIES 3     /* at a path: the process that is asked may end or move meanwhile */

struct entry {
	struct cgroup public;
	uint64_t id;
	struct entry *parent; /* NULL: the root, or not known */
	bool root, found;
	unsigned tries;
	struct history history;
	uint64_t first_bytes;
};

struct cgroups {
	struct cgroupfs fs;
	struct entry **entries; /* by version and id */
	const struct cgroup **list;
	size_t count, room, listed;
	uint64_t unnamed;
};

struct cgroups *cgroups_new(void)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (c)
		cgroupfs_find(&c->fs);
	return c;
}

static void clear_names(struct entry *e)
{
	free(e->public.path);
	free(e->public.name);
	free(e->public.leaf);
	free(e->public.container);
	e->public.path = e->public.name = e->public.leaf = e->public.container = NULL;
}

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	clear_names(e);
	free(e);
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		entry_free(c->entries[i]);
	free(c->entries);
	free(c->list);
	cgroupfs_free(&c->fs);
	free(c);
}

/* ---- names ------------------------------------------------------------------ */

/* A copy with every id of a container cut to what people are used to. */
static char *shorten(const char *path, const char *container)
{
	const char *at = container ? strstr(path, container) : NULL;
	char *name;

	if (!at)
		return strdup(path);
	if (asprintf(&name, "%.*s%s", (int)(at - path) + SHORT_ID, path, at + strlen(container)) <
	    0)
		return NULL;
	return name;
}

/* From the part that names a container on; else the last part. */
static char *leaf_of(const char *path, const char *container)
{
	const char *at = container ? strstr(path, container) : NULL;

	if (!at)
		at = path + strlen(path);
	while (at > path && at[-1] != '/')
		at--;
	return shorten(at, container);
}

/* Takes `path` over. */
static int set_names(struct entry *e, char *path, bool found)
{
	clear_names(e);
	e->found = found;
	e->root = found && !strcmp(path, "/");
	e->public.path = path;
	e->public.container = found ? process_container_id(path) : NULL;
	e->public.name = shorten(path, e->public.container);
	e->public.leaf = leaf_of(path, e->public.container);
	return e->public.name && e->public.leaf ? 0 : -ENOMEM;
}

/* ---- entries ---------------------------------------------------------------- */

/* Where (version, id) is in the list, or belongs. */
static size_t place_of(const struct cgroups *c, uint64_t id, bool v1)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct entry *e = c->entries[middle];

		if (e->public.v1 < v1 || (e->public.v1 == v1 && e->id < id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *find(const struct cgroups *c, uint64_t id, bool v1)
{
	size_t at = place_of(c, id, v1);
	struct entry *e = at < c->count ? c->entries[at] : NULL;

	return e && e->id == id && e->public.v1 == v1 ? e : NULL;
}

static int insert(struct cgroups *c, struct entry *e)
{
	size_t at = place_of(c, e->id, e->public.v1);

	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct entry **entries = reallocarray(c->entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		c->entries = entries;
		c->room = room;
	}
	memmove(c->entries + at + 1, c->entries + at, (c->count - at) * sizeof(*c->entries));
	c->entries[at] = e;
	c->count++;
	return 0;
}

/* A new entry in the list, without a name; NULL without memory. */
static struct entry *make(struct cgroups *c, uint64_t id, bool v1)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->id = id;
	e->public.v1 = v1;
	if (insert(c, e)) {
		entry_free(e);
		return NULL;
	}
	return e;
}

/* Names it, and all above it.  Takes `path` over. */
static int name_tree(struct cgroups *c, struct entry *e, char *path)
{
	char *slash = strrchr(path, '/'), *above;
	uint64_t id;

	if (e->tries)
		c->unnamed--;
	if (set_names(e, path, true))
		return -ENOMEM;
	if (e->root || !slash)
		return 0;
	above = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!above)
		return -ENOMEM;
	id = cgroupfs_id(&c->fs, e->public.v1, above);
	e->parent = id ? find(c, id, e->public.v1) : NULL;
	if (!id || (e->parent && e->parent->found)) {
		free(above);
		return 0;
	}
	if (!e->parent)
		e->parent = make(c, id, e->public.v1);
	if (e->parent)
		return name_tree(c, e->parent, above);
	free(above);
	return -ENOMEM;
}

/* Asks one of its processes for its path, and the file system whether that is it. */
static int name_by(struct cgroups *c, struct entry *e, pid_t pid)
{
	char *path = process_cgroup(pid, e->public.v1 ? "memory" : "");

	if (path && cgroupfs_id(&c->fs, e->public.v1, path) == e->id)
		return name_tree(c, e, path);
	free(path);
	if (e->tries++)
		return 0;
	c->unnamed++;
	if (asprintf(&path, "[cgroup %" PRIu64 "]", e->id) < 0)
		return -ENOMEM;
	return set_names(e, path, false);
}

/* ---- a refresh -------------------------------------------------------------- */

void cgroups_begin(struct cgroups *c)
{
	for (size_t i = 0; i < c->count; i++) {
		c->entries[i]->public.processes = 0;
		c->entries[i]->public.rss_bytes = 0;
	}
}

const struct cgroup *cgroups_add(struct cgroups *c, uint64_t id, bool v1, pid_t pid,
				 uint64_t rss_bytes)
{
	struct entry *e = id ? find(c, id, v1) : NULL, *at;

	if (!e && id)
		e = make(c, id, v1);
	if (!e)
		return NULL;
	if (!e->found && e->tries < TRIES && name_by(c, e, pid))
		return NULL;
	for (at = e; at; at = at->parent) {
		at->public.processes++;
		at->public.rss_bytes += rss_bytes;
	}
	return e->root ? NULL : &e->public;
}

char *cgroups_path(const struct cgroups *c, uint64_t id, bool v1, pid_t pid,
		   struct cgroupfs_memory *memory)
{
	const struct entry *e = id ? find(c, id, v1) : NULL;
	char *path = NULL;

	if (e && e->found)
		path = strdup(e->public.path);
	else if (id)
		path = process_cgroup(pid, v1 ? "memory" : "");
	if (path && (!strcmp(path, "/") || cgroupfs_id(&c->fs, v1, path) != id)) {
		free(path);
		path = NULL;
	}
	if (path && cgroupfs_read(&c->fs, v1, path, memory))
		memset(memory, 0, sizeof(*memory));
	return path;
}

static void measure(struct cgroups *c, struct entry *e, double now_s)
{
	struct cgroup *g = &e->public;
	struct sample sample = {.t_s = now_s};
	struct cgroupfs_memory memory;

	g->memory = e->found && !cgroupfs_read(&c->fs, g->v1, g->path, &memory);
	if (g->memory) {
		g->usage_bytes = memory.usage;
		g->peak_bytes = memory.peak;
		g->limit_bytes = memory.limit;
		g->limit_hits = memory.limit_hits;
		g->ooms = memory.ooms;
		g->oom_kills = memory.oom_kills;
	}
	sample.bytes = g->memory ? g->usage_bytes : g->rss_bytes;
	if (!e->history.count)
		e->first_bytes = sample.bytes;
	history_add(&e->history, &sample);
	g->rates = history_rates(&e->history);
	g->growth_bytes = (int64_t)(sample.bytes - e->first_bytes);
}

int cgroups_end(struct cgroups *c, double now_s)
{
	const struct cgroup **list = reallocarray(c->list, c->count + 1, sizeof(*list));
	size_t kept = 0;

	c->listed = 0;
	if (!list)
		return -ENOMEM;
	c->list = list;
	for (size_t i = 0; i < c->count; i++) {
		struct entry *e = c->entries[i];

		/* none above it is forgotten either: it counted there too */
		if (!e->public.processes) {
			entry_free(e);
			continue;
		}
		c->entries[kept++] = e;
		if (e->root || !e->public.name || !e->public.leaf)
			continue;
		measure(c, e, now_s);
		c->list[c->listed++] = &e->public;
	}
	c->count = kept;
	return 0;
}

const struct cgroup *const *cgroups_list(const struct cgroups *c, size_t *count)
{
	*count = c->listed;
	return c->list;
}

uint64_t cgroups_unnamed(const struct cgroups *c)
{
	return c->unnamed;
}
