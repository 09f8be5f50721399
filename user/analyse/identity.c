/* SPDX-License-Identifier: GPL-2.0 */
/* What blocks are is known here by what PyTorch does with them, not by how they came to be. */
#include <errno.h>

#include "analyse/tensors_inside.h"

/* What lives at an address: on this device, or wherever else.  No two devices share one. */
static struct tensor_block *find_anywhere(const struct tensors *t, uint16_t device,
					  uint64_t address)
{
	struct tensor_block *block = blocks_find(&t->blocks, device, address);
	size_t i;

	for (i = 0; i < t->blocks.device_count && !block; i++)
		block = blocks_find(&t->blocks, t->blocks.devices[i].device, address);
	return block;
}

/* What PyTorch itself says to be a parameter or a gradient; it may have been there before us. */
static struct tensor_block *known(struct tensors *t, const struct tensor_event *e, uint64_t address,
				  uint64_t size)
{
	struct tensor_block *block = find_anywhere(t, e->device, address);
	const struct tensor_block before = {
	    .address = address,
	    .size = size,
	    .device = e->device,
	    .before = true,
	    .shape = {.dtype = TENSOR_DTYPE_NONE},
	    .born = {.t_s = t->start_s, .stage = STAGE_LOAD},
	};

	if (block)
		return block;
	states_found(&t->states);
	return tensors_block_begin(t, &before);
}

int tensors_parameter(struct tensors *t, const struct tensor_event *e)
{
	struct tensor_block *parameter = known(t, e, e->address, e->size), *gradient;

	if (!parameter)
		return -ENOMEM;
	parameter->parameter = true;
	t->context.parameters = true;
	if (!e->gradient_address)
		return 0;
	gradient = known(t, e, e->gradient_address, e->gradient_size);
	if (!gradient)
		return -ENOMEM;
	gradient->gradient = true;
	/* They have one shape: what is not known of one is known of the other. */
	if (gradient->size == parameter->size && gradient->shape.dtype == TENSOR_DTYPE_NONE)
		gradient->shape = parameter->shape;
	if (gradient->size == parameter->size && parameter->shape.dtype == TENSOR_DTYPE_NONE)
		parameter->shape = gradient->shape;
	return 0;
}

/*
 * In a step, what has no gradient is the optimizer's own, and what was not seen to be made was
 * there before.
 */
int tensors_update(struct tensors *t, const struct tensor_event *e)
{
	struct tensor_block *block;

	if (!t->stages.step || find_anywhere(t, e->device, e->address))
		return 0;
	block = known(t, e, e->address, e->size);
	if (!block)
		return -ENOMEM;
	block->state = true;
	return 0;
}
