/* SPDX-License-Identifier: GPL-2.0 */
/* The lines of the program itself among the frames of a framework. */
#ifndef MS_ANALYSE_LINES_H
#define MS_ANALYSE_LINES_H

#include "collect/snapshot.h"

/* Whether the frame is a function of the program, or a model's, and not PyTorch's own. */
bool lines_is_own(const struct frame *frame);
/*
 * The innermost such frame of a stack; else its innermost Python frame outside of PyTorch, as the
 * main program; else the function that called the library that allocates.  NULL if there is none.
 */
const struct frame *lines_own(const struct stack *stack);
/* Whether two stacks lead through the same lines of the program. */
bool lines_same(const struct stack *a, const struct stack *b);

/* The tensors of a category at the peak, by such lines: most bytes first. */
struct line_sum {
	const struct stack *stack; /* one of them */
	uint64_t bytes, count;
};
/* `sums` has room for each tensor of the snapshot; how many there are. */
size_t lines_sum(const struct snapshot *s, const char *category, struct line_sum *sums);

/*
 * The lines that allocated most in a stage of a process, .stack NULL if nothing did; *all_bytes is
 * what was allocated there in all.
 */
struct line_sum lines_of_stage(const struct snapshot *s, size_t process, const char *stage,
			       uint64_t *all_bytes);

#endif
