/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON document's table of frames: each different one is written once, and a stack
 * has their numbers.  In full they would be gigabytes: stacks are forty frames deep and
 * share most of them.  A frame's text is made when it is first met.
 */
#ifndef MS_FRAMETEXTS_H
#define MS_FRAMETEXTS_H

#include <stdint.h>
#include <stdio.h>

#include "collect/snapshot.h"
#include "render/frameset.h"

struct frame_texts {
	struct frameset set;
	struct frame_text {
		char *text;
		size_t length;
	} * texts;
	size_t capacity;
};

int frame_texts_init(struct frame_texts *f);
void frame_texts_free(struct frame_texts *f);
/* "frames":[ numbers ] of a stack.  0 or -ENOMEM. */
int frame_texts_stack(struct frame_texts *f, FILE *out, const struct stack *stack);
/* The table: "frames":[ objects ], all that were met. */
void frame_texts_put(const struct frame_texts *f, FILE *out);

#endif
