/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of stages share. */
#ifndef MS_ANALYSE_STAGES_INSIDE_H
#define MS_ANALYSE_STAGES_INSIDE_H

#include "analyse/stages.h"

struct range {
	uint64_t object; /* of a call: the stack pointer that it was entered with */
	bool call;
	unsigned marks;
	struct stage_span span;
};

struct stage_thread {
	uint32_t id;
	unsigned own; /* marks of the user's stages that it is in */
	struct range *ranges;
	size_t range_count, range_room;
	struct window {
		uint64_t sp;
		uint32_t number;
	} * windows;
	size_t window_count, window_room;
};

/* stages.c: a span begins now, with `bytes` live; it ends now, and is kept. */
struct stage_span stages_span_begin(const struct stages *s, enum stage_kind kind, uint64_t bytes);
void stages_span_end(struct stages *s, struct stage_span *span, uint64_t bytes);
/* The stage of the process is another now; the one before is over. */
void stages_top_set(struct stages *s, enum stage_kind kind, uint64_t bytes);

/* stages_ranges.c.  Whether a thread is in a range of that kind. */
bool stages_is_inside(const struct stage_thread *thread, enum stage_kind kind);
/* A range begins: 0 or -ENOMEM.  That of an object, or the last one without, ends, and those begun
 * inside it. */
int stages_range_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		      enum stage_kind kind, uint64_t bytes);
void stages_range_close(struct stages *s, struct stage_thread *thread, uint64_t object,
			uint64_t bytes);
/* A call that is a stage began, and ended. */
int stages_call_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		     uint64_t bytes);
void stages_call_close(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		       uint64_t bytes);
/* The user's stages, by an allocation: 0 or -ENOMEM. */
int stages_own(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
	       uint64_t bytes);

#endif
