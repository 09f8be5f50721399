/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/makers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

void made_add(struct made *made, struct made more)
{
	made->bytes += more.bytes;
	made->count += more.count;
}

void makers_free(struct makers *m)
{
	free(m->items);
	free(m->open);
	pair_map_free(&m->places);
	*m = (struct makers){0};
}

static struct maker *maker_get(struct makers *m, uint64_t stack)
{
	size_t place = (uintptr_t)pair_map_find(&m->places, stack, 0);

	if (place)
		return &m->items[place - 1];
	if (array_reserve(&m->items, m->count, &m->room, sizeof(*m->items)) ||
	    pair_map_add(&m->places, stack, 0, (void *)(uintptr_t)(m->count + 1)))
		return NULL;
	m->items[m->count] = (struct maker){.stack = stack};
	return &m->items[m->count++];
}

int makers_add(struct makers *m, enum stage_kind stage, uint64_t stack, uint64_t bytes)
{
	struct maker *maker = maker_get(m, stack);

	if (!maker)
		return -ENOMEM;
	if (stage != STAGE_FORWARD) {
		made_add(&maker->made[stage], (struct made){bytes, 1});
		return 0;
	}
	if (!maker->open.count) {
		if (array_reserve(&m->open, m->open_count, &m->open_room, sizeof(*m->open)))
			return -ENOMEM;
		m->open[m->open_count++] = (size_t)(maker - m->items);
	}
	made_add(&maker->open, (struct made){bytes, 1});
	return 0;
}

void makers_settle(struct makers *m, enum stage_kind stage)
{
	size_t i;

	for (i = 0; i < m->open_count; i++) {
		struct maker *maker = &m->items[m->open[i]];

		made_add(&maker->made[stage], maker->open);
		maker->open = (struct made){0};
	}
	m->open_count = 0;
}
