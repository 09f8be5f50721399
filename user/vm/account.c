/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped memory of one image. */
#include "vm/account.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/calls.h"
#include "peak.h"
#include "vm/ledger.h"

/* A munmap or mremap that has begun. */
struct call {
	pid_t tid;
	uint64_t start, end; /* what it frees */
	uint64_t newest;     /* serial of the newest extent there was */
};

struct vm_account {
	struct extents *extents;
	struct ledger ledger;
	struct vm_totals totals; /* but for `mapped`, which is the ledger's */
	struct calls calls;      /* struct call */
	uint64_t serial;         /* of the newest extent */
	uint64_t page;
};

/* What a change takes out goes to the ledger, with the time it happened. */
struct taking {
	struct ledger *ledger;
	uint64_t now_ns;
	uint64_t pieces, bytes;
};

static void taken(void *context, const struct extent *piece, int left)
{
	struct taking *t = context;

	ledger_unmapped(t->ledger, piece, left, t->now_ns);
	t->pieces++;
	t->bytes += piece->end - piece->start;
}

const char *vm_stack_text(uint64_t stack)
{
	switch (stack) {
#define X(id, number, text)                                                                        \
	case VM_STACK_##id:                                                                        \
		return text;
		VM_STACKS(X)
#undef X
	default:
		return NULL;
	}
}

/* ---- rounding --------------------------------------------------------------- */

static uint64_t page_down(const struct vm_account *a, uint64_t address)
{
	return address & ~(a->page - 1);
}

static uint64_t page_up(const struct vm_account *a, uint64_t address)
{
	return page_down(a, address + a->page - 1);
}

/* ---- an account --------------------------------------------------------------- */

struct vm_account *vm_account_new(void)
{
	struct vm_account *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	ledger_init(&a->ledger);
	a->calls.size = sizeof(struct call);
	a->page = (uint64_t)sysconf(_SC_PAGESIZE);
	a->extents = extents_new();
	if (!a->extents) {
		free(a);
		return NULL;
	}
	return a;
}

void vm_account_free(struct vm_account *a)
{
	if (!a)
		return;
	extents_free(a->extents);
	ledger_free(&a->ledger);
	calls_free(&a->calls);
	free(a);
}

/* Maps over whatever is there.  Serial 0 is older than any call. */
static int map(struct vm_account *a, const struct vm_mapped *m, uint64_t serial)
{
	struct extent extent = {
	    page_down(a, m->start), page_up(a, m->end), m->stack, m->now_ns, serial, m->flags};
	struct taking taking = {.ledger = &a->ledger, .now_ns = m->now_ns};
	int err;

	if (extent.start >= extent.end)
		return 0;
	err = ledger_open(&a->ledger, m->stack);
	if (!err)
		err = extents_map(a->extents, &extent, taken, &taking);
	if (!err)
		ledger_mapped(&a->ledger, &extent);
	return err;
}

static int unmap(struct vm_account *a, uint64_t start, uint64_t end, uint64_t newest,
		 struct taking *taking)
{
	taking->ledger = &a->ledger;
	return extents_take(a->extents, page_down(a, start), page_up(a, end), newest, taken,
			    taking);
}

struct vm_account *vm_account_fork(const struct vm_account *parent, uint64_t now_ns)
{
	const struct extent *x = extents_from(parent->extents, 0);
	struct vm_account *child = vm_account_new();

	for (; child && x; x = extents_next(x)) {
		struct vm_mapped m = {x->start, x->end, VM_STACK_INHERITED, now_ns, x->flags};

		if (map(child, &m, ++child->serial)) {
			vm_account_free(child);
			return NULL;
		}
	}
	return child;
}

/* ---- calls that map ------------------------------------------------------------- */

int vm_account_map(struct vm_account *a, const struct vm_mapped *m)
{
	return map(a, m, ++a->serial);
}

int vm_account_brk(struct vm_account *a, const struct vm_mapped *m)
{
	struct vm_mapped grown = {page_up(a, m->start), page_up(a, m->end), m->stack, m->now_ns,
				  m->flags | EXTENT_BREAK};
	struct taking taking = {.now_ns = m->now_ns};

	if (grown.end < grown.start)
		return unmap(a, grown.end, grown.start, UINT64_MAX, &taking);
	return map(a, &grown, ++a->serial);
}

void vm_account_failed(struct vm_account *a)
{
	a->ledger.totals.failed++;
}

/* ---- calls that unmap -------------------------------------------------------------- */

int vm_account_begin(struct vm_account *a, pid_t tid, uint64_t start, uint64_t end)
{
	struct call call = {tid, start, end, a->serial};

	return calls_begin(&a->calls, &call);
}

/* The thread's call has ended; false if its beginning was not seen. */
static bool call_end(struct vm_account *a, pid_t tid, struct call *out)
{
	if (calls_end(&a->calls, tid, out))
		return true;
	a->totals.unannounced++;
	return false;
}

int vm_account_unmap_end(struct vm_account *a, pid_t tid, bool ok, uint64_t now_ns)
{
	struct taking taking = {.now_ns = now_ns};
	struct call call;
	int err;

	if (!call_end(a, tid, &call) || !ok)
		return 0;
	err = unmap(a, call.start, call.end, call.newest, &taking);
	if (!err && !taking.pieces)
		a->ledger.totals.unknown_frees++;
	return err;
}

/* What kind of memory is moved: that of the extent at its start. */
static uint32_t flags_at(const struct vm_account *a, const struct call *call)
{
	const struct extent *x = extents_from(a->extents, call->start);

	return x && x->start <= call->start && x->serial <= call->newest ? x->flags : 0;
}

int vm_account_move_end(struct vm_account *a, pid_t tid, const struct vm_mapped *to)
{
	struct call call = {0};
	bool known = call_end(a, tid, &call);
	struct vm_mapped mapped;
	struct taking taking;
	int err = 0;

	if (!to) {
		vm_account_failed(a);
		return 0;
	}
	mapped = *to;
	taking = (struct taking){.now_ns = to->now_ns};
	if (known) {
		mapped.flags |= flags_at(a, &call);
		err = unmap(a, call.start, call.end, call.newest, &taking);
	}
	return err ? err : map(a, &mapped, ++a->serial);
}

void vm_account_discard(struct vm_account *a, uint64_t start, uint64_t end)
{
	a->totals.discards++;
	if (start < end)
		a->totals.discarded_bytes += page_up(a, end) - page_down(a, start);
}

/* ---- agreeing with /proc ------------------------------------------------------------ */

static int drop(struct vm_account *a, uint64_t start, uint64_t end, uint64_t now_ns)
{
	struct taking taking = {.now_ns = now_ns};
	int err = unmap(a, start, end, UINT64_MAX, &taking);

	a->totals.gone += taking.pieces;
	a->totals.gone_bytes += taking.bytes;
	return err;
}

/* Drops what lies in none of the areas. */
static int drop_gone(struct vm_account *a, const struct areas *areas, uint64_t now_ns)
{
	uint64_t from = 0;
	size_t i;
	int err = 0;

	for (i = 0; i < areas->count && !err; i++) {
		if (from < areas->items[i].start)
			err = drop(a, from, areas->items[i].start, now_ns);
		from = areas->items[i].end;
	}
	return err ? err : drop(a, from, page_down(a, UINT64_MAX), now_ns);
}

static enum vm_stack reason_of(const struct area *area, enum vm_stack reason)
{
	if (area->flags & AREA_KERNEL)
		return VM_STACK_KERNEL;
	if (area->flags & AREA_STACK && reason == VM_STACK_UNSEEN)
		return VM_STACK_GROWTH;
	return reason;
}

static uint32_t flags_of(const struct area *area)
{
	bool memory = !(area->flags & AREA_FILE) || area->flags & (AREA_SHMEM | AREA_HUGETLB);

	return (area->flags & AREA_SHARED ? EXTENT_SHARED : 0) | (memory ? 0 : EXTENT_FILE) |
	       (area->flags & AREA_BREAK ? EXTENT_BREAK : 0);
}

/*
 * Maps the parts of an area where nothing is.  They are given the serial of what
 * was always there: an unmap that is under way may well be theirs, and if what
 * lies there is newer, the event that says so is still to come.
 */
static int add_missing(struct vm_account *a, const struct area *area, enum vm_stack reason,
		       uint64_t now_ns)
{
	struct vm_mapped m = {area->start, area->start, reason_of(area, reason), now_ns,
			      flags_of(area)};
	int err = 0;

	while (m.start < area->end && !err) {
		const struct extent *x = extents_from(a->extents, m.start);
		uint64_t next = x ? x->end : area->end;

		m.end = x && x->start < area->end ? x->start : area->end;
		if (m.start < m.end)
			err = map(a, &m, 0);
		m.start = next;
	}
	return err;
}

int vm_account_reconcile(struct vm_account *a, const struct areas *areas, enum vm_stack reason,
			 uint64_t now_ns)
{
	/* First what goes: the two together were never there, and would raise the peak. */
	int err = drop_gone(a, areas, now_ns);
	size_t i;

	for (i = 0; i < areas->count && !err; i++)
		err = add_missing(a, &areas->items[i], reason, now_ns);
	return err;
}

/* ---- reading -------------------------------------------------------------------------- */

void vm_account_totals(const struct vm_account *a, struct vm_totals *out)
{
	*out = a->totals;
	out->mapped = a->ledger.totals;
}

const struct extents *vm_account_extents(const struct vm_account *a)
{
	return a->extents;
}

void vm_account_each_stack(const struct vm_account *a, vm_each_stack *each, void *context)
{
	const struct ledger_stack *s = a->ledger.stacks.items;
	size_t i;

	for (i = 0; i < a->ledger.stacks.count; i++)
		each(context, s[i].stack, &s[i].totals,
		     peak_share(&a->ledger.totals, &s[i].totals));
}
