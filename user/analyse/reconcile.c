/* SPDX-License-Identifier: GPL-2.0 */
/* The books put right after events were lost. */
#include <errno.h>
#include <stdlib.h>

#include "analyse/tensors_inside.h"

struct gone {
	const struct tensor_found *found;
	size_t count;
	uint16_t space;
	uint64_t *addresses;
	size_t gone;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct tensor_found *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static const struct tensor_found *find(const struct tensor_found *found, size_t count,
				       uint64_t address)
{
	const struct tensor_found key = {.address = address};

	return count ? bsearch(&key, found, count, sizeof(key), compare_addresses) : NULL;
}

/* What was there before tracing is not in the kernel's books either. */
static void note_gone(const struct tensor_block *block, void *context)
{
	const struct tensor_found *found;
	struct gone *g = context;

	if (blocks_space(block->device) != g->space || block->before)
		return;
	found = find(g->found, g->count, block->address);
	if (!found || found->size != block->size)
		g->addresses[g->gone++] = block->address;
}

static int add_unseen(struct tensors *t, uint16_t space, const struct tensor_found *found)
{
	const struct tensor_block block = {
	    .address = found->address,
	    .size = found->size,
	    .stack = found->stack,
	    .device = space,
	    .unseen = true,
	    .shape.dtype = TENSOR_DTYPE_NONE,
	    .born = t->context.now,
	};

	return tensors_block_begin(t, &block) ? 0 : -ENOMEM;
}

int tensors_reconcile(struct tensors *t, uint16_t space, const struct tensor_found *found,
		      size_t count)
{
	struct gone g = {.found = found, .count = count, .space = space};
	size_t i;
	int err = 0;

	g.addresses = malloc((t->blocks.count + 1) * sizeof(*g.addresses));
	if (!g.addresses)
		return -ENOMEM;
	blocks_each_live(&t->blocks, note_gone, &g);
	for (i = 0; i < g.gone; i++)
		tensors_block_end(t, blocks_take(&t->blocks, space, g.addresses[i]));
	for (i = 0; i < count && !err; i++)
		if (!blocks_find(&t->blocks, space, found[i].address))
			err = add_unseen(t, space, &found[i]);
	free(g.addresses);
	return err;
}

size_t tensors_spaces(const struct tensors *t, uint16_t *spaces, size_t room)
{
	size_t i, j, n = 0;

	for (i = 0; i < t->blocks.device_count && n < room; i++) {
		spaces[n] = blocks_space(t->blocks.devices[i].device);
		for (j = 0; spaces[j] != spaces[n]; j++)
			;
		n += j == n;
	}
	return n;
}
