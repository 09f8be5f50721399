/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debuginfod through its client library, loaded only when it is asked for:
 * it brings in an HTTP client, TLS and their threads.
 */
#include "symbol/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

typedef void *begin_fn(void);
typedef int find_fn(void *client, const unsigned char *id, int size, char **path);
typedef void end_fn(void *client);

static void *symbol(const struct debuginfod *d, const char *name)
{
	return d->library ? dlsym(d->library, name) : NULL;
}

static void client_open(struct debuginfod *d)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	begin_fn *begin;

	d->tried = true;
	if (!urls || !*urls)
		return;
	d->library = dlopen(DEBUGINFOD_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	begin = (begin_fn *)symbol(d, "debuginfod_begin");
	if (begin && symbol(d, "debuginfod_find_debuginfo") && symbol(d, "debuginfod_end"))
		d->client = begin();
}

int debuginfod_open(struct debuginfod *d, const unsigned char *id, size_t size)
{
	find_fn *find;
	int fd;

	if (!d->tried)
		client_open(d);
	if (!d->client || d->unreachable || !size)
		return -ENOSYS;
	find = (find_fn *)symbol(d, "debuginfod_find_debuginfo");
	fd = find(d->client, id, (int)size, NULL);
	/* "Not there" is an answer; anything else would cost its time-out for every file. */
	if (fd < 0 && fd != -ENOENT)
		d->unreachable = true;
	return fd;
}

void debuginfod_close(struct debuginfod *d)
{
	end_fn *end = (end_fn *)symbol(d, "debuginfod_end");

	if (d->client && end)
		end(d->client);
	/* The library stays loaded: its own libraries keep threads and exit handlers. */
	*d = (struct debuginfod){0};
}
