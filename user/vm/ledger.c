/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped bytes by stack. */
#include "vm/ledger.h"

#include <errno.h>
#include <stdlib.h>

#include "peak.h"

/* A map keeps pointers: places count from 1, since NULL is "not there". */
static struct ledger_stack *find(const struct ledger *l, uint64_t stack)
{
	const void *place = pair_map_find(&l->places, stack, 0);

	return place ? &l->stacks[(uintptr_t)place - 1] : NULL;
}

int ledger_open(struct ledger *l, uint64_t stack)
{
	if (find(l, stack))
		return 0;
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 32;
		struct ledger_stack *stacks = realloc(l->stacks, room * sizeof(*stacks));

		if (!stacks)
			return -ENOMEM;
		l->stacks = stacks;
		l->room = room;
	}
	if (pair_map_add(&l->places, stack, 0, (void *)(uintptr_t)(l->count + 1)))
		return -ENOMEM;
	l->stacks[l->count++] = (struct ledger_stack){.name = stack};
	return 0;
}

void ledger_mapped(struct ledger *l, const struct extent *extent)
{
	struct ms_stack_totals *s = &find(l, extent->stack)->totals;
	uint64_t bytes = extent->end - extent->start;

	l->totals.allocs++;
	l->totals.alloc_bytes += bytes;
	s->allocs++;
	s->alloc_bytes += bytes;
	peak_change(&l->totals, s, (int64_t)bytes, extent->born_ns);
}

static unsigned lifetime_bucket(uint64_t born_ns, uint64_t now_ns)
{
	uint64_t us = now_ns > born_ns ? (now_ns - born_ns) / 1000 : 0;

	return us ? (63 - __builtin_clzll(us)) % MS_LIFETIME_BUCKETS : 0;
}

void ledger_unmapped(struct ledger *l, const struct extent *piece, int left, uint64_t now_ns)
{
	struct ms_stack_totals *s = &find(l, piece->stack)->totals;
	uint64_t bytes = piece->end - piece->start;

	if (left == 0) {
		l->totals.frees++;
		s->frees++;
		s->lifetime[lifetime_bucket(piece->born_ns, now_ns)]++;
	} else if (left == 2) {
		l->totals.allocs++;
		s->allocs++;
	}
	l->totals.freed_bytes += bytes;
	s->freed_bytes += bytes;
	peak_change(&l->totals, s, -(int64_t)bytes, now_ns);
}

void ledger_free(struct ledger *l)
{
	free(l->stacks);
	pair_map_free(&l->places);
	*l = (struct ledger){0};
}
