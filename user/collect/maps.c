/* SPDX-License-Identifier: GPL-2.0 */
/* Each call is bracketed by go_first() and go_back(). */
#include "collect/maps.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "probe/preempt.h"

#define BATCH_BYTES (1u << 20) /* of values read by one call */

/* How this thread was scheduled before it was put first. */
struct before {
	int policy; /* -1: it was not put first */
	struct sched_param param;
};

static struct before go_first(void)
{
	const struct sched_param first = {.sched_priority = 1};
	struct before before = {.policy = -1};

	if (!preempt_possible(NULL, 0))
		return before;
	before.policy = sched_getscheduler(0);
	if (before.policy == SCHED_FIFO || sched_getparam(0, &before.param) ||
	    sched_setscheduler(0, SCHED_FIFO, &first))
		before.policy = -1;
	return before;
}

/* Returns `err`, so that a call can be on its way. */
static int go_back(const struct before *before, int err)
{
	if (before->policy >= 0)
		sched_setscheduler(0, before->policy, &before->param);
	return err;
}

int maps_get(int fd, const void *key, void *value)
{
	struct before before = go_first();

	return go_back(&before, bpf_map_lookup_elem(fd, key, value));
}

int maps_put(int fd, const void *key, const void *value, uint64_t flags)
{
	struct before before = go_first();

	return go_back(&before, bpf_map_update_elem(fd, key, value, flags));
}

int maps_drop(int fd, const void *key)
{
	struct before before = go_first();

	return go_back(&before, bpf_map_delete_elem(fd, key));
}

static int read_batch(int fd, uint32_t *from, uint32_t *to, void *keys, void *values, uint32_t *n)
{
	struct before before = go_first();

	return go_back(&before, bpf_map_lookup_batch(fd, from, to, keys, values, n, NULL));
}

int maps_read(int fd, size_t key_size, size_t value_size, maps_fn *fn, void *context)
{
	uint32_t batch = 0, n;
	size_t size = BATCH_BYTES / value_size + 1;
	char *keys = malloc(size * key_size), *values = malloc(size * value_size);
	bool first = true;
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		n = size;
		err = read_batch(fd, first ? NULL : &batch, &batch, keys, values, &n);
		if (err == -ENOSPC) {
			/* One bucket holds more than a batch. */
			char *k = realloc(keys, 2 * size * key_size);
			char *v = k ? realloc(values, 2 * size * value_size) : NULL;

			keys = k ? k : keys;
			values = v ? v : values;
			err = k && v ? 0 : -ENOMEM;
			size *= 2;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		first = false;
		if (n) {
			int stop = fn(keys, values, n, context);

			if (stop)
				err = stop;
		}
	}
	free(keys);
	free(values);
	return err == -ENOENT ? 0 : err;
}
