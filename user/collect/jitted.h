/* SPDX-License-Identifier: GPL-2.0 */
/* Frames in code that a process's JIT made. */
#ifndef MS_JITTED_H
#define MS_JITTED_H

#include "symbol/jit.h"
#include "target/image.h"

/*
 * The frame at `address` in memory of `image` that is no file, or NULL.  The
 * files of a process are looked at once after each jit_begin().
 */
const struct frame *jitted_find(struct jit *jit, const struct image *image, uint64_t address);

#endif
