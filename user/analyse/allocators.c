/* SPDX-License-Identifier: GPL-2.0 */
/* What the allocators of devices have taken, and what of it was asked for. */
#include <errno.h>
#include <stdlib.h>

#include "analyse/tensors_inside.h"

static void add_told(const struct tensor_block *block, unsigned category, bool at_peak,
		     void *context)
{
	struct tensor_allocator *a = context;
	struct tensor_use_of_device *use = at_peak ? &a->at_peak : &a->now;

	(void)category;
	if (block->device != a->device || !block->told)
		return;
	use->told += block->size;
	use->requested += block->requested;
}

int tensors_allocators(const struct tensors *t, struct tensor_allocator **out, size_t *count)
{
	struct tensor_allocator *all = calloc(t->blocks.device_count + 1, sizeof(*all));
	size_t i, n = 0;

	if (!all)
		return -ENOMEM;
	for (i = 0; i < t->blocks.device_count; i++) {
		const struct device_blocks *d = &t->blocks.devices[i];

		if (!d->totals_told)
			continue;
		all[n] = (struct tensor_allocator){
		    .device = d->device,
		    .now = {.reserved = d->now.reserved, .allocated = d->now.allocated},
		    .at_peak = {.reserved = d->at_peak.reserved, .allocated = d->at_peak.allocated},
		    .reserved_peak = d->reserved_peak,
		    .live_bytes = d->live_bytes,
		};
		tensors_each(t, add_told, &all[n++]);
	}
	*out = all;
	*count = n;
	return 0;
}
