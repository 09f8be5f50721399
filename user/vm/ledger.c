/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped bytes by stack. */
#include "vm/ledger.h"

#include <errno.h>

#include "peak.h"

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){.stacks.size = sizeof(struct ledger_stack)};
}

void ledger_free(struct ledger *l)
{
	by_stack_free(&l->stacks);
}

int ledger_open(struct ledger *l, uint64_t stack)
{
	return by_stack_open(&l->stacks, stack) ? 0 : -ENOMEM;
}

static struct ms_stack_totals *totals_of(const struct ledger *l, uint64_t stack)
{
	struct ledger_stack *s = by_stack_find(&l->stacks, stack);

	return &s->totals;
}

void ledger_mapped(struct ledger *l, const struct extent *extent)
{
	struct ms_stack_totals *s = totals_of(l, extent->stack);
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
	struct ms_stack_totals *s = totals_of(l, piece->stack);
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
