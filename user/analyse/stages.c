/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/stages_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/marks.h"
#include "base/array.h"

/* A forward pass that has given back more than this of what it took holds no graph. */
#define RELEASED 0.75

void stages_free(struct stages *s)
{
	size_t i;

	for (i = 0; i < s->thread_count; i++) {
		free(s->threads[i].ranges);
		free(s->threads[i].windows);
	}
	free(s->threads);
	free(s->done);
	*s = (struct stages){0};
}

static struct stage_thread *thread_get(struct stages *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < s->thread_count; i++)
		if (s->threads[i].id == id)
			return &s->threads[i];
	if (array_reserve(&s->threads, s->thread_count, &s->thread_room, sizeof(*s->threads)))
		return NULL;
	s->threads[s->thread_count] = (struct stage_thread){.id = id};
	return &s->threads[s->thread_count++];
}

/* ---- spans ---------------------------------------------------------------------- */

struct stage_span stages_span_begin(const struct stages *s, enum stage_kind kind, uint64_t bytes)
{
	return (struct stage_span){
	    .kind = kind,
	    .start_s = s->now_s,
	    .iteration = s->iteration,
	    .entry_bytes = bytes,
	    .peak_bytes = bytes,
	    .last_s = s->now_s,
	    .last_bytes = bytes,
	};
}

/* Of too many, a quarter goes, out of the middle. */
static void drop_some(struct stages *s)
{
	size_t gone = STAGES_KEPT / 4, from = STAGES_KEPT / 4;

	memmove(s->done + from, s->done + from + gone,
		(s->done_count - from - gone) * sizeof(*s->done));
	s->done_count -= gone;
	s->dropped += gone;
}

void stages_span_end(struct stages *s, struct stage_span *span, uint64_t bytes)
{
	span->end_s = s->now_s;
	span->exit_bytes = bytes;
	if (s->done_count >= STAGES_KEPT && !s->whole)
		drop_some(s);
	if (array_reserve(&s->done, s->done_count, &s->done_room, sizeof(*s->done)))
		s->dropped++;
	else
		s->done[s->done_count++] = *span;
}

/* ---- the stage of the process ---------------------------------------------------- */

/* What no backward pass followed was over with its last allocation inside a module. */
static void evaluation_end(struct stages *s, struct stage_span *span)
{
	double now_s = s->now_s;

	span->kind = STAGE_EVALUATION;
	s->now_s = span->last_s;
	stages_span_end(s, span, span->last_bytes);
	s->now_s = now_s;
}

void stages_top_set(struct stages *s, enum stage_kind kind, uint64_t bytes)
{
	struct stage_span old = s->top;

	s->top = stages_span_begin(s, kind, bytes);
	s->outside = false;
	if (old.kind == STAGE_FORWARD && kind != STAGE_BACKWARD && !old.marked)
		evaluation_end(s, &old);
	else if (old.kind != STAGE_NONE)
		stages_span_end(s, &old, bytes);
}

void stages_begin(struct stages *s, double t_s)
{
	s->now_s = t_s;
	s->top = stages_span_begin(s, STAGE_LOAD, 0);
}

static bool has_released(const struct stage_span *span, uint64_t bytes)
{
	double taken = (double)span->peak_bytes - (double)span->entry_bytes;

	return taken > 0 && (double)bytes - (double)span->entry_bytes < (1 - RELEASED) * taken;
}

/* An allocation: inside a module it is a forward pass, unless something is going on that has marks
 * of its own. */
static void on_alloc(struct stages *s, const struct stage_thread *thread, unsigned marks,
		     uint64_t bytes)
{
	bool own = s->open_windows || s->step || stages_is_inside(thread, STAGE_DATA) ||
		   stages_is_inside(thread, STAGE_FORWARD) ||
		   stages_is_inside(thread, STAGE_CONTEXT);

	if (own)
		return;
	if (!(marks & MARK_FORWARD)) {
		s->outside = true;
		return;
	}
	if (s->top.kind != STAGE_FORWARD || (s->outside && has_released(&s->top, bytes)))
		stages_top_set(s, STAGE_FORWARD, bytes);
	s->outside = false;
	s->top.last_s = s->now_s;
}

/* ---- all ---------------------------------------------------------------------------- */

int stages_event(struct stages *s, const struct tensor_event *e, uint64_t bytes)
{
	struct stage_thread *thread = thread_get(s, e->thread);

	if (!thread)
		return -ENOMEM;
	if (e->t_s > s->now_s)
		s->now_s = e->t_s;
	switch (e->what) {
	case TENSOR_ALLOC:
		on_alloc(s, thread, e->marks, bytes);
		return stages_own(s, thread, e, bytes);
	case TENSOR_BEGIN:
		return stages_call_open(s, thread, e, bytes);
	case TENSOR_END:
		stages_call_close(s, thread, e, bytes);
		break;
	case TENSOR_PUSH:
		return stages_range_open(s, thread, e, marks_of_range(e->name, e->marks), bytes);
	case TENSOR_POP:
		stages_range_close(s, thread, e->address, bytes);
		break;
	default:
		break;
	}
	return 0;
}

static void raise(struct stage_span *span, uint64_t bytes)
{
	if (bytes > span->peak_bytes)
		span->peak_bytes = bytes;
}

void stages_bytes(struct stages *s, uint64_t bytes)
{
	size_t i, j;

	raise(&s->top, bytes);
	if (s->top.last_s == s->now_s)
		s->top.last_bytes = bytes;
	for (i = 0; i < s->thread_count; i++)
		for (j = 0; j < s->threads[i].range_count; j++)
			raise(&s->threads[i].ranges[j].span, bytes);
}

static int compare_starts(const void *a, const void *b)
{
	const struct stage_span *x = a, *y = b;

	if (x->start_s != y->start_s)
		return x->start_s < y->start_s ? -1 : 1;
	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

int stages_copy(const struct stages *s, double t_s, uint64_t bytes, struct stage_span **out,
		size_t *count)
{
	struct stages copy = *s;
	size_t i, j;

	copy.done = malloc((s->done_count + 1) * sizeof(*copy.done));
	if (!copy.done)
		return -ENOMEM;
	memcpy(copy.done, s->done, s->done_count * sizeof(*copy.done));
	copy.done_room = s->done_count + 1;
	copy.whole = true;
	copy.now_s = t_s > s->now_s ? t_s : s->now_s;
	for (i = 0; i < s->thread_count; i++)
		for (j = 0; j < s->threads[i].range_count; j++) {
			struct stage_span span = s->threads[i].ranges[j].span;

			if (span.kind == STAGE_OWN || span.kind == STAGE_ZERO)
				stages_span_end(&copy, &span, bytes);
		}
	stages_top_set(&copy, STAGE_NONE, bytes);
	/* Where there is no training, a forward pass is no evaluation of it. */
	for (i = 0; !s->windows && i < copy.done_count; i++)
		if (copy.done[i].kind == STAGE_EVALUATION)
			copy.done[i].kind = STAGE_FORWARD;
	qsort(copy.done, copy.done_count, sizeof(*copy.done), compare_starts);
	*out = copy.done;
	*count = copy.done_count;
	return 0;
}
