/* SPDX-License-Identifier: GPL-2.0 */
/* Inside tensors.c and reconcile.c: what is known of the tensors of a process. */
#ifndef MS_TENSORS_INSIDE_H
#define MS_TENSORS_INSIDE_H

#include "analyse/tensors.h"

/* By how much the bytes of a category changed within each interval. */
struct changes {
	int64_t by[TENSOR_TICKS][TENSOR_CATEGORIES];
};

/* What lived at one moment. */
struct still {
	struct still_device {
		uint16_t device;
		uint64_t bytes[TENSOR_CATEGORIES];
	} * devices;
	size_t count;
};

struct tensors {
	struct blocks blocks;
	struct stages stages;
	struct category_context context;
	const struct own_rules *rules;
	struct leaks leaks;
	struct shapes shapes;
	struct states states;
	struct makers makers;
	struct tensor_facts facts;
	uint64_t loaded_bytes; /* read from files and alive */
	double start_s, tick_s;
	struct still before_backward, after_step; /* of the last ones */
	struct changes *ended;                    /* of the blocks that have ended */
	struct changes *all; /* and of those that live, summed up; NULL: not asked for */
};

/* A block is born (copied; NULL: no memory), and one that was taken out has ended. */
struct tensor_block *tensors_block_begin(struct tensors *t, const struct tensor_block *block);
void tensors_block_end(struct tensors *t, struct tensor_block *block);

/* identity.c: what an event of this kind says.  0 or -ENOMEM. */
int tensors_parameter(struct tensors *t, const struct tensor_event *e);
int tensors_update(struct tensors *t, const struct tensor_event *e);

#endif
