/* SPDX-License-Identifier: GPL-2.0 */
/* GPU memory of one image: blocks in a tree, by key. */
#include "gpu/account.h"

#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdlib.h>

#include "base/calls.h"

struct block {
	RB_ENTRY(block) link;
	struct gpu_made made;
	struct block *of;    /* made of this one, or NULL */
	uint64_t serial;     /* grows with each block */
	unsigned references; /* 0: no key leads to it any more, it is in no tree */
	unsigned uses;       /* blocks that are made of it */
};

RB_HEAD(tree, block);

/* A call that frees, under way. */
struct call {
	pid_t tid;
	struct gpu_range range;
	struct gpu_context_end context;
	bool of_context;
	bool settled;    /* what it frees was handed out again already, and counted then */
	uint64_t newest; /* serial of the newest block when it began */
};

struct gpu_account {
	struct tree tree;
	struct gpu_books books;
	struct calls calls; /* struct call */
	uint64_t serial;
	uint64_t missed;
};

static int compare(const struct block *a, const struct block *b)
{
	const struct gpu_key *x = &a->made.key, *y = &b->made.key;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

/* What RB_GENERATE_STATIC() does where there is an __unused. */
RB_GENERATE_INTERNAL(tree, block, link, compare, static __attribute__((unused)))

static struct block *find(struct gpu_account *a, struct gpu_key key)
{
	struct block wanted = {.made.key = key};

	return RB_FIND(tree, &a->tree, &wanted);
}

/* The first at this key or above it, in its space. */
static struct block *find_from(struct gpu_account *a, struct gpu_key key)
{
	struct block wanted = {.made.key = key};
	struct block *found = RB_NFIND(tree, &a->tree, &wanted);

	return found && found->made.key.space == key.space ? found : NULL;
}

/* The mapping that holds this address. */
static struct block *find_around(struct gpu_account *a, struct gpu_key key)
{
	struct block *b = RB_ROOT(&a->tree), *below = NULL;
	struct block wanted = {.made.key = key};

	while (b) {
		if (compare(b, &wanted) <= 0) {
			below = b;
			b = RB_RIGHT(b, link);
		} else {
			b = RB_LEFT(b, link);
		}
	}
	return below && below->made.key.space == key.space &&
		       key.address - below->made.key.address < below->made.length
		   ? below
		   : NULL;
}

/* ---- the life of a block -------------------------------------------------------- */

/* Nothing leads to it, nothing is made of it: it is free, and with it what only it held. */
static void end_if_unused(struct gpu_account *a, struct block *b, uint64_t now_ns)
{
	while (b && !b->references && !b->uses) {
		struct block *of = b->of;

		if (!b->made.silent)
			gpu_books_free_entry(&a->books, &b->made.entry, now_ns);
		free(b);
		if (of)
			of->uses--;
		b = of;
	}
}

static void lose_references(struct gpu_account *a, struct block *b, unsigned count, uint64_t now_ns)
{
	b->references -= count;
	if (!b->references)
		RB_REMOVE(tree, &a->tree, b);
	end_if_unused(a, b, now_ns);
}

struct gpu_account *gpu_account_new(void)
{
	struct gpu_account *a = calloc(1, sizeof(*a));

	if (a)
		a->calls.size = sizeof(struct call);
	return a;
}

void gpu_account_free(struct gpu_account *a)
{
	struct block *b;

	if (!a)
		return;
	while ((b = RB_MIN(tree, &a->tree)))
		lose_references(a, b, b->references, 0);
	gpu_books_free(&a->books);
	calls_free(&a->calls);
	free(a);
}

static bool ends_with(const struct block *b, const struct gpu_context_end *c)
{
	if (!b->made.in_context)
		return false;
	if (b->made.context)
		return b->made.context == c->context;
	return c->unknown_too && b->made.entry.device == c->device;
}

/* Whether a call that is under way frees this block. */
static bool is_being_freed(struct gpu_account *a, const struct block *b)
{
	struct call *c = a->calls.items, *end = c + a->calls.count;
	bool found = false;

	for (; c < end; c++) {

		if (b->serial > c->newest)
			continue;
		if (c->of_context ? ends_with(b, &c->context)
				  : c->range.space == b->made.key.space &&
					c->range.from <= b->made.key.address &&
					b->made.key.address < c->range.to) {
			c->settled = true;
			found = true;
		}
	}
	return found;
}

/* The key was handed out again: what had it is free. */
static void displace(struct gpu_account *a, struct gpu_key key, uint64_t now_ns)
{
	struct block *old = find(a, key);

	if (!old)
		return;
	if (!is_being_freed(a, old) && !old->made.silent)
		a->missed++;
	lose_references(a, old, old->references, now_ns);
}

/* Something new, made of `of` or of nothing. */
static int put(struct gpu_account *a, const struct gpu_made *made, struct block *of)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	if (!made->silent && gpu_books_open(&a->books, &made->entry)) {
		free(b);
		return -ENOMEM;
	}
	*b = (struct block){.made = *made, .of = of, .serial = ++a->serial, .references = 1};
	if (of)
		of->uses++; /* before what it may have been the last use of goes */
	displace(a, made->key, made->entry.born_ns);
	if (!made->silent)
		gpu_books_add(&a->books, &made->entry);
	if (RB_INSERT(tree, &a->tree, b))
		abort(); /* the key was just made free */
	return 0;
}

int gpu_account_add(struct gpu_account *a, const struct gpu_made *made)
{
	return put(a, made, made->silent ? find(a, made->of) : NULL);
}

void gpu_account_retain(struct gpu_account *a, struct gpu_key key)
{
	struct block *b = find(a, key);

	if (b)
		b->references++;
}

int gpu_account_handle(struct gpu_account *a, struct gpu_key address, struct gpu_key handle,
		       uint64_t now_ns)
{
	struct block *mapping = find_around(a, address), *known = find(a, handle);
	struct gpu_made made = {.key = handle, .silent = true, .entry = {.born_ns = now_ns}};

	if (!mapping || !mapping->of)
		return 0;
	if (known && (known == mapping->of || known->of == mapping->of)) {
		known->references++;
		return 0;
	}
	return put(a, &made, mapping->of);
}

int gpu_account_failed(struct gpu_account *a, uint32_t device)
{
	return gpu_books_failed(&a->books, device);
}

/* ---- calls that free -------------------------------------------------------------- */

int gpu_account_begin(struct gpu_account *a, pid_t tid, struct gpu_range range,
		      const struct gpu_context_end *context)
{
	struct call call = {.tid = tid, .range = range, .newest = a->serial};

	if (context) {
		call.of_context = true;
		call.context = *context;
	}
	return calls_begin(&a->calls, &call);
}

/* The thread's call has ended; one whose beginning was not told frees what is there now. */
static struct call call_end(struct gpu_account *a, pid_t tid)
{
	struct call ended;

	if (!calls_end(&a->calls, tid, &ended))
		ended = (struct call){.newest = UINT64_MAX};
	return ended;
}

void gpu_account_cancel(struct gpu_account *a, pid_t tid)
{
	call_end(a, tid);
}

void gpu_account_drop(struct gpu_account *a, pid_t tid, const struct gpu_key *keys, size_t count,
		      uint64_t now_ns)
{
	struct call call = call_end(a, tid);
	size_t i;

	for (i = 0; i < count; i++) {
		struct block *b = keys[i].address ? find(a, keys[i]) : NULL;

		if (b && b->serial <= call.newest)
			lose_references(a, b, 1, now_ns);
		else if (keys[i].address && !call.settled)
			a->books.totals.unknown_frees++;
	}
}

void gpu_account_drop_range(struct gpu_account *a, pid_t tid, struct gpu_range range,
			    uint64_t now_ns)
{
	struct gpu_key from = {range.space, range.from};
	struct call call = call_end(a, tid);
	struct block *b = find_from(a, from), *next;

	for (; b && b->made.key.space == range.space && b->made.key.address < range.to; b = next) {
		next = RB_NEXT(tree, &a->tree, b);
		if (b->serial <= call.newest)
			lose_references(a, b, b->references, now_ns);
	}
}

void gpu_account_drop_context(struct gpu_account *a, pid_t tid,
			      const struct gpu_context_end *context, uint64_t now_ns)
{
	struct call call = call_end(a, tid);
	struct block *b, *next;

	for (b = RB_MIN(tree, &a->tree); b; b = next) {
		next = RB_NEXT(tree, &a->tree, b);
		if (b->serial <= call.newest && ends_with(b, context))
			lose_references(a, b, b->references, now_ns);
	}
}

/* ---- reading ------------------------------------------------------------------------ */

void gpu_account_each(struct gpu_account *a, gpu_wanted_fn *wanted, gpu_block_fn *fn, void *context)
{
	struct block *b;

	for (b = RB_MIN(tree, &a->tree); b; b = RB_NEXT(tree, &a->tree, b)) {
		const struct gpu_made *made = &b->made;
		uint64_t size = made->silent ? made->length : made->entry.size;
		const struct block *memory = b;

		while (memory->of)
			memory = memory->of;
		if (size && wanted(&made->key, &memory->made.entry))
			fn(made->key.address, size, made->silent, context);
	}
}

const struct gpu_books *gpu_account_books(const struct gpu_account *a)
{
	return &a->books;
}

uint64_t gpu_account_missed(const struct gpu_account *a)
{
	return a->missed;
}
