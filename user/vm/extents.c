/* SPDX-License-Identifier: GPL-2.0 */
/* Extents in a red-black tree. */
#include "vm/extents.h"

#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdlib.h>

struct node {
	struct extent extent; /* first: extents_next() is given this */
	RB_ENTRY(node) link;
};

RB_HEAD(tree, node);

/* A change adds at most two nodes: the new extent, and the second half of one that is cut. */
#define SPARE 2

struct extents {
	struct tree tree;
	struct node *spare[SPARE]; /* had before a change begins, so that none fails half-way */
	size_t spare_count;
	size_t count;
	uint64_t bytes;
};

/* Extents that overlap are equal: looked for is any that holds some of a range. */
static int compare(const struct node *a, const struct node *b)
{
	if (a->extent.end <= b->extent.start)
		return -1;
	return a->extent.start >= b->extent.end;
}

/* What RB_GENERATE_STATIC() does where there is an __unused. */
RB_GENERATE_INTERNAL(tree, node, link, compare, static __attribute__((unused)))

/* ---- nodes ---------------------------------------------------------------- */

static int reserve(struct extents *e, size_t nodes)
{
	while (e->spare_count < nodes) {
		struct node *node = malloc(sizeof(*node));

		if (!node)
			return -ENOMEM;
		e->spare[e->spare_count++] = node;
	}
	return 0;
}

static void node_free(struct extents *e, struct node *node)
{
	if (e->spare_count < SPARE)
		e->spare[e->spare_count++] = node;
	else
		free(node);
}

/* From the spare ones; nothing may lie there. */
static void insert(struct extents *e, const struct extent *extent)
{
	struct node *node = e->spare[--e->spare_count];

	node->extent = *extent;
	RB_INSERT(tree, &e->tree, node);
	e->count++;
	e->bytes += extent->end - extent->start;
}

static struct node *node_from(const struct extents *e, uint64_t address)
{
	struct node key = {.extent = {.start = address, .end = address + 1}};

	/* The macro's function changes nothing, but says so nowhere. */
	return RB_NFIND(tree, (struct tree *)&e->tree, &key);
}

/* ---- changes ---------------------------------------------------------------- */

/* Cuts [start, end) out of a node, which may be freed; how many parts of it stay. */
static int cut(struct extents *e, struct node *node, uint64_t start, uint64_t end)
{
	struct extent after = node->extent;

	e->bytes -= end - start;
	if (start > node->extent.start) {
		node->extent.end = start;
		if (end == after.end)
			return 1;
		after.start = end;
		e->bytes -= after.end - after.start; /* is added again */
		insert(e, &after);
		return 2;
	}
	if (end < node->extent.end) {
		node->extent.start = end;
		return 1;
	}
	RB_REMOVE(tree, &e->tree, node);
	e->count--;
	node_free(e, node);
	return 0;
}

static void take(struct extents *e, uint64_t start, uint64_t end, uint64_t newest,
		 extents_taken *taken, void *context)
{
	struct node *node = node_from(e, start), *next;

	for (; node && node->extent.start < end; node = next) {
		struct extent piece = node->extent;
		int left;

		next = RB_NEXT(tree, &e->tree, node);
		if (piece.serial > newest)
			continue;
		if (piece.start < start)
			piece.start = start;
		if (piece.end > end)
			piece.end = end;
		left = cut(e, node, piece.start, piece.end);
		if (taken)
			taken(context, &piece, left);
	}
}

int extents_take(struct extents *e, uint64_t start, uint64_t end, uint64_t newest,
		 extents_taken *taken, void *context)
{
	int err = reserve(e, 1);

	if (!err && start < end)
		take(e, start, end, newest, taken, context);
	return err;
}

int extents_map(struct extents *e, const struct extent *extent, extents_taken *taken, void *context)
{
	int err = reserve(e, 2);

	if (err)
		return err;
	take(e, extent->start, extent->end, UINT64_MAX, taken, context);
	insert(e, extent);
	return 0;
}

/* ---- the rest ---------------------------------------------------------------- */

struct extents *extents_new(void)
{
	return calloc(1, sizeof(struct extents));
}

void extents_free(struct extents *e)
{
	struct node *node, *next;

	if (!e)
		return;
	RB_FOREACH_SAFE(node, tree, &e->tree, next)
	{
		RB_REMOVE(tree, &e->tree, node);
		free(node);
	}
	while (e->spare_count)
		free(e->spare[--e->spare_count]);
	free(e);
}

const struct extent *extents_from(const struct extents *e, uint64_t address)
{
	const struct node *node = node_from(e, address);

	return node ? &node->extent : NULL;
}

const struct extent *extents_next(const struct extent *extent)
{
	const struct node *next = RB_NEXT(tree, NULL, (struct node *)extent);

	return next ? &next->extent : NULL;
}

uint64_t extents_walk(struct extents_walk *walk, uint64_t at, uint64_t end,
		      const struct extent **extent)
{
	const struct extent *x = walk->began ? walk->extent : extents_from(walk->extents, at);
	uint64_t border;

	while (x && x->end <= at)
		x = extents_next(x);
	walk->began = true;
	walk->extent = x;
	*extent = x && x->start <= at ? x : NULL;
	if (!x)
		return end;
	border = *extent ? x->end : x->start;
	return border < end ? border : end;
}

size_t extents_count(const struct extents *e)
{
	return e->count;
}

uint64_t extents_bytes(const struct extents *e)
{
	return e->bytes;
}
