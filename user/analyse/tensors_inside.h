/* SPDX-License-Identifier: GPL-2.0 */
/* Inside tensors.c, lives.c and reconcile.c: what is known of the tensors of a process. */
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
	struct waitings waiting; /* their bytes are not in it yet */
};

struct tensors {
	struct blocks blocks;
	struct stages stages;
	struct category_context context;
	const struct own_rules *rules;
	const struct native_marks *native; /* NULL: names of functions are not read */
	struct waitings waiting;           /* blocks that have ended, and are not in `ended` yet */
	struct leaks leaks;
	struct shapes shapes;
	struct states states;
	struct callers callers;
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

/* ---- lives.c ---- */

/* As of now: one of the user's own, or as category_of() says. */
unsigned tensors_category(const struct tensors *t, const struct tensor_block *block);
/* Intervals reach to `t_s`; the bytes of a block that has ended go to those it lived in. */
void tensors_reach(struct tensors *t, double t_s);
void tensors_add_life(struct tensors *t, const struct tensor_block *block);
/* What lives now.  0 or -ENOMEM. */
int tensors_still_take(const struct tensors *t, struct still *still);
void tensors_still_free(struct still *still);
void tensors_lives_free(struct tensors *t);

/* identity.c: what an event of this kind says.  0 or -ENOMEM. */
int tensors_parameter(struct tensors *t, const struct tensor_event *e);
int tensors_update(struct tensors *t, const struct tensor_event *e);

#endif
