/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side's books are exact also when its events are lost: what lives is there. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "collect/tensors.h"

#define SPACES_MAX 64

static int compare_found(const void *a, const void *b)
{
	const struct tensor_found *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int settle_space(const struct kernel *kernel, struct tensors *t, uint32_t image,
			uint16_t space)
{
	struct tensor_found *found = NULL;
	struct block *blocks = NULL;
	size_t i, count = 0;
	int err = kernel_blocks(kernel, image, MS_SPACE(MS_LAYER_TENSOR, space), &blocks, &count);

	if (!err) {
		found = malloc((count + 1) * sizeof(*found));
		err = found ? 0 : -ENOMEM;
	}
	for (i = 0; i < count && !err; i++)
		found[i] =
		    (struct tensor_found){blocks[i].address, blocks[i].size, blocks[i].stack};
	if (!err) {
		qsort(found, count, sizeof(*found), compare_found);
		err = tensors_reconcile(t, space, found, count);
	}
	free(found);
	free(blocks);
	return err;
}

void image_tensors_settle(struct image_tensors *t, const struct kernel *kernel)
{
	uint64_t lost = kernel_loss(kernel, MS_LOSS_tensor_events);
	uint16_t spaces[SPACES_MAX];
	size_t i, n;
	uint32_t id;
	int err = 0;

	if (lost == t->lost)
		return;
	t->lost = lost;
	for (id = 0; id < t->room; id++) {
		n = t->items[id] ? tensors_spaces(t->items[id], spaces, SPACES_MAX) : 0;
		for (i = 0; i < n && !err; i++)
			err = settle_space(kernel, t->items[id], id, spaces[i]);
	}
	if (err)
		log_warn("no memory to look what tensors live, after events were lost");
}
