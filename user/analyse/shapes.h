/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shapes of tensors, by what they were allocated with.  To be told of a shape costs a probe
 * as dear as that of the block itself, and a program that trains makes the same tensors again
 * and again: the same size with the same stack.  So shapes are told until nothing new comes, and
 * then known; when something new comes they are told again.
 */
#ifndef MS_SHAPES_H
#define MS_SHAPES_H

#include "analyse/tensor.h"
#include "symbol/intern.h"

struct shapes {
	struct pair_map known; /* (stack, size) -> struct shape_known */
	struct intern *memory;
	bool told;          /* the kernel side tells shapes … */
	double told_s;      /* … since then */
	uint64_t seen;      /* allocations since the last that was new */
	uint64_t bytes;     /* of them, */
	uint64_t mixed;     /* and of those whose stack and size have more than one shape */
	uint64_t untold;    /* allocations that were new while none was told */
	unsigned restarted; /* how often shapes were wanted again */
};

int shapes_init(struct shapes *shapes);
void shapes_free(struct shapes *shapes);

/* From `t_s` on the kernel side tells shapes, or it does no longer. */
void shapes_tell(struct shapes *shapes, bool told, double t_s);

/*
 * An allocation at `t_s`, of `size` bytes; `shape` is what was told of it.  Where nothing was,
 * it becomes what is known of others like it.  0 or -ENOMEM.
 */
int shapes_event(struct shapes *shapes, double t_s, uint64_t stack, uint64_t size,
		 struct tensor_shape *shape);
/* What is known by now, TENSOR_DTYPE_NONE if nothing is, or if they have more than one. */
struct tensor_shape shapes_find(const struct shapes *shapes, uint64_t stack, uint64_t size);

/*
 * Whether shapes must be told.  No longer, when as many allocations as make two rounds of all
 * that are known have brought nothing new, and few bytes were of those that have more than one
 * shape: for these being told is the only way.
 */
bool shapes_wanted(const struct shapes *shapes);

#endif
