/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process is doing, one stage after the other, from ranges and from the stacks
 * of its allocations; and ranges inside of these.
 */
#ifndef MS_ANALYSE_STAGES_H
#define MS_ANALYSE_STAGES_H

#include "analyse/own.h"

#define STAGE_NAME 64
/* Stages that are kept one by one; of more, the first and the last. */
#define STAGES_KEPT 8192

struct stage_span {
	enum stage_kind kind;
	char name[STAGE_NAME]; /* of STAGE_OWN; else "" */
	double start_s, end_s;
	uint32_t iteration; /* steps of the optimizer that were over when it began */
	uint32_t depth;     /* 0: a stage of the process; more: a range inside of one */
	uint64_t entry_bytes, exit_bytes, peak_bytes;
	double last_s;       /* forward: of the last allocation inside a module */
	uint64_t last_bytes; /* what lived then */
	bool marked;         /* by a call or a range, not by its allocations */
};

struct stage_thread;

struct stages {
	const struct own_rules *rules; /* the user's own stages */
	struct stage_span *done;       /* in order of their ends */
	size_t done_count, done_room;
	uint64_t dropped; /* of the middle, because there were too many */
	struct stage_span top;
	struct stage_thread *threads;
	size_t thread_count, thread_room;
	uint32_t iteration;
	uint32_t windows, open_windows; /* backward passes begun; open now */
	uint32_t window;                /* number of the innermost */
	uint32_t steps, step;           /* the same for steps of optimizers */
	bool outside; /* forward: something was allocated outside a module since */
	bool whole;   /* a copy to be shown: nothing more is dropped */
	double now_s;
};

void stages_free(struct stages *stages);
/* The process begins, or tracing does, in stage load. */
void stages_begin(struct stages *stages, double t_s);
/*
 * Before a block is counted: `bytes` live then.  Events must come in their order.  0 or
 * -ENOMEM: the range is then not kept.
 */
int stages_event(struct stages *stages, const struct tensor_event *event, uint64_t bytes);
/* Whether the backward pass with this number is going on. */
bool stages_window_is_open(const struct stages *stages, uint32_t number);
/* The marks of what is born in the ranges that thread `id` is inside of. */
unsigned stages_marks(const struct stages *stages, uint32_t id);
/* After it was: what lives now. */
void stages_bytes(struct stages *stages, uint64_t bytes);
/* Ends what is open, as of `t_s`, in a copy to be shown; `stages` goes on.  0 or -ENOMEM. */
int stages_copy(const struct stages *stages, double t_s, uint64_t bytes, struct stage_span **out,
		size_t *count);

#endif
