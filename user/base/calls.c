/* SPDX-License-Identifier: GPL-2.0 */
#include "base/calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void calls_free(struct calls *c)
{
	free(c->items);
	*c = (struct calls){.size = c->size};
}

static void *item(const struct calls *c, size_t i)
{
	return (char *)c->items + i * c->size;
}

static void *find(const struct calls *c, pid_t tid)
{
	pid_t other;
	size_t i;

	for (i = 0; i < c->count; i++) {
		memcpy(&other, item(c, i), sizeof(other));
		if (other == tid)
			return item(c, i);
	}
	return NULL;
}

int calls_begin(struct calls *c, const void *call)
{
	void *place;
	pid_t tid;
	int err;

	memcpy(&tid, call, sizeof(tid));
	place = find(c, tid);
	if (!place) {
		err = array_reserve(&c->items, c->count, &c->room, c->size);
		if (err)
			return err;
		place = item(c, c->count++);
	}
	memcpy(place, call, c->size);
	return 0;
}

bool calls_end(struct calls *c, pid_t tid, void *out)
{
	void *place = find(c, tid);

	if (!place)
		return false;
	memcpy(out, place, c->size);
	memmove(place, item(c, --c->count), c->size);
	return true;
}
