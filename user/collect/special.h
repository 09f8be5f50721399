/* SPDX-License-Identifier: GPL-2.0 */
/* Frames that are no place in code, and stacks that are none. */
#ifndef MS_SPECIAL_H
#define MS_SPECIAL_H

#include "collect/frames.h"

/* Whether it is such a frame; then *out is its name. */
bool special_frame(const struct frames_source *source, uint64_t frame, struct frame *out);
/*
 * What is said in place of frames for a stack of this name, or NULL if it is a
 * stack.  *end is how it ends, or NULL where nothing is missing.
 */
const char *special_stack(uint64_t name, const char **end);

#endif
