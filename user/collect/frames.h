/* SPDX-License-Identifier: GPL-2.0 */
/* A kept stack (hash) -> frames with names, in report order. */
#ifndef MS_FRAMES_H
#define MS_FRAMES_H

#include "collect/kernel.h"
#include "collect/snapshot.h"
#include "symbol/jit.h"
#include "symbol/symbol.h"
#include "target/target.h"

struct frames_source {
	const struct kernel *kernel;
	const struct modules *modules;
	const struct probe_table *table;
	struct symbols *symbols;
	struct jit *jit;
};

/*
 * The frames of stack `hash` of `image`, from the root to the allocation call,
 * into a new array that the caller frees.  0 or a negative errno.
 */
int frames_of(const struct frames_source *source, const struct image *image, uint64_t hash,
	      struct frame **frames, size_t *count, bool *truncated);

#endif
