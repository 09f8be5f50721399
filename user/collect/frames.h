/* SPDX-License-Identifier: GPL-2.0 */
/* Kept stacks -> frames with names, in report order; each different frame is named once. */
#ifndef MS_FRAMES_H
#define MS_FRAMES_H

#include "collect/kernel.h"
#include "collect/snapshot.h"
#include "collect/stackset.h"
#include "symbol/jit.h"
#include "symbol/symbol.h"
#include "target/target.h"

struct frames_source {
	const struct kernel *kernel;
	const struct modules *modules;
	const struct probe_table *table;
	const struct codes *codes;
	struct symbols *symbols;
	struct jit *jit;
};

struct naming;

/*
 * Names the frames of `stacks`, which must outlive it, as must `source`.  What
 * depends on the process, code in no file, is named when it is met.  0 or
 * -ENOMEM.
 */
int naming_new(const struct frames_source *source, const struct stack_set *stacks,
	       struct naming **out);
void naming_free(struct naming *naming);
/* Frames that were named so far. */
size_t naming_count(const struct naming *naming);

/*
 * What tells a stack from others in a report: two stacks with the same key read
 * the same, for the frames that differ are call sites in one line, or in code of
 * which no lines are known.  Of `image` where the stack has code in no file.  0 or
 * -ENOMEM.
 */
int frames_key(struct naming *naming, const struct image *image, uint64_t hash, uint64_t key[2]);

/*
 * The frames of stack `hash` of `image`, from the root to the allocation call,
 * into a new array that the snapshot's owner frees, and how the stack ends.
 * 0 or a negative errno.
 */
int frames_of(struct naming *naming, const struct image *image, uint64_t hash, struct stack *stack);

/*
 * One frame of a stack, as far as it does not depend on the process: up to SYMBOL_INLINE_MAX
 * frames with names, innermost first.
 */
size_t frames_name(const struct frames_source *source, uint64_t frame, struct frame *out);

#endif
