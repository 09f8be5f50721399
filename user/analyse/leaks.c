/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/leaks.h"

#include <errno.h>
#include <stdlib.h>

struct stayed {
	uint64_t stack, size;
	uint32_t iteration;
};

struct look {
	struct stayed *items;
	size_t count;
	uint32_t iteration;
	leak_fn *may;
	void *context;
};

/* What the last iteration made may still be in use. */
static bool has_stayed(const struct look *l, const struct tensor_block *block)
{
	return block->born.stage != STAGE_LOAD && block->born.iteration + 1 < l->iteration &&
	       l->may(block, l->context);
}

static void count(const struct tensor_block *block, void *context)
{
	struct look *l = context;

	l->count += has_stayed(l, block);
}

static void take(const struct tensor_block *block, void *context)
{
	struct look *l = context;

	if (has_stayed(l, block))
		l->items[l->count++] =
		    (struct stayed){block->stack, block->size, block->born.iteration};
}

static int compare_stayed(const void *a, const void *b)
{
	const struct stayed *x = a, *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return x->iteration < y->iteration ? -1 : x->iteration > y->iteration;
}

static int compare_leaks(const void *a, const void *b)
{
	const struct leak *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* The run of one stack, from `at` on; where it ends. */
static size_t sum_up(const struct look *l, size_t at, struct leak *leak)
{
	const struct stayed *first = &l->items[at];

	*leak = (struct leak){.stack = first->stack, .since = first->iteration};
	for (; at < l->count && l->items[at].stack == first->stack; at++) {
		leak->iterations +=
		    !leak->blocks || l->items[at].iteration != l->items[at - 1].iteration;
		leak->blocks++;
		leak->bytes += l->items[at].size;
	}
	return at;
}

int leaks_look(struct leaks *leaks, const struct blocks *blocks, uint32_t iteration, leak_fn *may,
	       void *context)
{
	struct look l = {.iteration = iteration, .may = may, .context = context};
	struct leak *items;
	size_t i = 0, n = 0;

	blocks_each_live(blocks, count, &l);
	l.items = malloc((l.count + 1) * sizeof(*l.items));
	items = malloc((l.count + 1) * sizeof(*items));
	if (!l.items || !items) {
		free(l.items);
		free(items);
		return -ENOMEM;
	}
	l.count = 0;
	blocks_each_live(blocks, take, &l);
	qsort(l.items, l.count, sizeof(*l.items), compare_stayed);
	while (i < l.count) {
		i = sum_up(&l, i, &items[n]);
		n += items[n].iterations >= LEAK_ITERATIONS;
	}
	qsort(items, n, sizeof(*items), compare_leaks);
	free(l.items);
	free(leaks->items);
	*leaks = (struct leaks){items, n};
	return 0;
}

void leaks_free(struct leaks *leaks)
{
	free(leaks->items);
	*leaks = (struct leaks){0};
}
