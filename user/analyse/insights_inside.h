/* SPDX-License-Identifier: GPL-2.0 */
/* Inside insights*.c: what is known of a process, and how a sentence about it is made. */
#ifndef MS_INSIGHTS_INSIDE_H
#define MS_INSIGHTS_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyse/lines.h"
#include "base/text.h"
#include "collect/snapshot.h"

#define MIB ((uint64_t)1 << 20)
#define INSIGHT_MAX 768
#define PLACE_MAX 256

struct subject {
	struct snapshot *s;
	size_t process;
	const struct tensor_use *use; /* NULL: no tensors */
	uint64_t peak_bytes;          /* of tensors, all devices */
	struct line_sum *sums;        /* room for lines_sum() */
	uint64_t bytes;               /* what the sentence is about */
	char text[INSIGHT_MAX];
};

/* Whether there is something to say: then `bytes` and `text` are set. */
typedef bool insight_fn(struct subject *subject);

/* Says it: true. */
__attribute__((format(printf, 3, 4))) bool insight_say(struct subject *subject, uint64_t bytes,
						       const char *format, ...);
/* Percent. */
double insight_share(uint64_t part, uint64_t whole);
/* Where a frame is: "train.py:30 (Trainer.step)".  Returns `text`. */
const char *insight_place(char text[PLACE_MAX], const struct frame *frame);

/* ---- insights_device.c ---- */

/* Segments of a device's allocator that are mostly free, and held by blocks. */
insight_fn insight_fragmented;
/* Segments that nothing lives in, which it keeps. */
insight_fn insight_cached;
/* Host memory that devices have pinned. */
insight_fn insight_pinned;
/* Memory of devices that a framework's allocator has not asked for. */
insight_fn insight_outside;

#endif
