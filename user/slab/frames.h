/* SPDX-License-Identifier: GPL-2.0 */
/* Kept stacks of the kernel -> frames with names. */
#ifndef MS_SLAB_FRAMES_H
#define MS_SLAB_FRAMES_H

#include "collect/snapshot.h"
#include "slab/slab.h"
#include "symbol/kallsyms.h"

struct slab_frames;

/* Both must outlive it.  NULL without memory. */
struct slab_frames *slab_frames_new(const struct slab *slab, const struct kallsyms *symbols);
void slab_frames_free(struct slab_frames *f);

/*
 * Names a kept stack, innermost frame first: into `out`, which has room for
 * MS_STACK_DEPTH + 1, from the root on.  How many there are, 0 without memory.  The same
 * text is the same pointer, and lives as long as `f`.
 */
size_t slab_frames_name(struct slab_frames *f, const struct ms_stack *stack, struct frame *out);
/* Bytes that a block of the stack takes, whatever was asked for; 0 if that is not known. */
uint64_t slab_frames_block(struct slab_frames *f, const struct ms_stack *stack);

#endif
