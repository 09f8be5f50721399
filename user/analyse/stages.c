/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/marks.h"
#include "base/array.h"

/* A forward pass that has given back more than this of what it took holds no graph. */
#define RELEASED 0.75

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

static struct stage_span span_begin(const struct stages *s, enum stage_kind kind, uint64_t bytes)
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

static void span_end(struct stages *s, struct stage_span *span, uint64_t bytes)
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
	span_end(s, span, span->last_bytes);
	s->now_s = now_s;
}

static void top_set(struct stages *s, enum stage_kind kind, uint64_t bytes)
{
	struct stage_span old = s->top;

	s->top = span_begin(s, kind, bytes);
	s->outside = false;
	if (old.kind == STAGE_FORWARD && kind != STAGE_BACKWARD && !old.marked)
		evaluation_end(s, &old);
	else if (old.kind != STAGE_NONE)
		span_end(s, &old, bytes);
}

void stages_begin(struct stages *s, double t_s)
{
	s->now_s = t_s;
	s->top = span_begin(s, STAGE_LOAD, 0);
}

static bool has_released(const struct stage_span *span, uint64_t bytes)
{
	double taken = (double)span->peak_bytes - (double)span->entry_bytes;

	return taken > 0 && (double)bytes - (double)span->entry_bytes < (1 - RELEASED) * taken;
}

static bool is_inside(const struct stage_thread *thread, enum stage_kind kind)
{
	size_t i;

	for (i = 0; i < thread->range_count; i++)
		if (thread->ranges[i].span.kind == kind)
			return true;
	return false;
}

/* An allocation: inside a module it is a forward pass, unless something is going on that has marks
 * of its own. */
static void on_alloc(struct stages *s, const struct stage_thread *thread, unsigned marks,
		     uint64_t bytes)
{
	bool own = s->open_windows || s->step || is_inside(thread, STAGE_DATA) ||
		   is_inside(thread, STAGE_FORWARD) || is_inside(thread, STAGE_CONTEXT);

	if (own)
		return;
	if (!(marks & MARK_FORWARD)) {
		s->outside = true;
		return;
	}
	if (s->top.kind != STAGE_FORWARD || (s->outside && has_released(&s->top, bytes)))
		top_set(s, STAGE_FORWARD, bytes);
	s->outside = false;
	s->top.last_s = s->now_s;
}

/* ---- backward passes --------------------------------------------------------------- */

static void innermost_window(struct stages *s)
{
	size_t i;

	s->window = 0;
	for (i = 0; i < s->thread_count; i++) {
		const struct stage_thread *t = &s->threads[i];

		if (t->window_count && t->windows[t->window_count - 1].number > s->window)
			s->window = t->windows[t->window_count - 1].number;
	}
}

bool stages_window_is_open(const struct stages *s, uint32_t number)
{
	size_t i, j;

	for (i = 0; i < s->thread_count; i++)
		for (j = 0; j < s->threads[i].window_count; j++)
			if (s->threads[i].windows[j].number == number)
				return true;
	return false;
}

/* Those of a thread that were entered at `sp` or further down have ended, `sp` itself too. */
static void windows_close(struct stages *s, struct stage_thread *thread, uint64_t sp,
			  uint64_t bytes)
{
	size_t before = thread->window_count;

	while (thread->window_count && thread->windows[thread->window_count - 1].sp <= sp)
		thread->window_count--;
	s->open_windows -= (uint32_t)(before - thread->window_count);
	innermost_window(s);
	if (before != thread->window_count && !s->open_windows && s->top.kind == STAGE_BACKWARD)
		top_set(s, STAGE_NONE, bytes);
}

static int window_open(struct stages *s, struct stage_thread *thread, uint64_t sp, uint64_t bytes)
{
	/* One that was left by an exception is below the new one. */
	windows_close(s, thread, sp, bytes);
	if (array_reserve(&thread->windows, thread->window_count, &thread->window_room,
			  sizeof(*thread->windows)))
		return -ENOMEM;
	thread->windows[thread->window_count++] = (struct window){sp, ++s->windows};
	innermost_window(s);
	if (++s->open_windows == 1)
		top_set(s, STAGE_BACKWARD, bytes);
	return 0;
}

/* ---- ranges ------------------------------------------------------------------------ */

/* Ranges that are stages of the process. */
static bool is_top(enum stage_kind kind)
{
	return kind == STAGE_DATA || kind == STAGE_LOAD || kind == STAGE_CONTEXT ||
	       kind == STAGE_FORWARD;
}

/* What the blocks that are born in a stage have, whatever their stacks. */
static const unsigned stage_marks[STAGE_NR] = {
    [STAGE_LOAD] = MARK_LOAD,
    [STAGE_FORWARD] = MARK_FORWARD,
    [STAGE_CONTEXT] = MARK_CACHE,
};

static int range_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		      enum stage_kind kind, uint64_t bytes)
{
	bool goes_on = s->top.kind == kind && is_inside(thread, kind);
	struct range *range;

	if (array_reserve(&thread->ranges, thread->range_count, &thread->range_room,
			  sizeof(*thread->ranges)))
		return -ENOMEM;
	range = &thread->ranges[thread->range_count++];
	*range = (struct range){
	    .object = e->address, .marks = stage_marks[kind], .span = span_begin(s, kind, bytes)};
	range->span.depth = (uint32_t)thread->range_count;
	if (kind == STAGE_OWN)
		strncpy(range->span.name, e->name, sizeof(range->span.name) - 1);
	if (kind == STAGE_STEP) {
		s->step = ++s->steps;
		top_set(s, STAGE_STEP, bytes);
	} else if (is_top(kind) && !goes_on && !s->open_windows && !s->step) {
		top_set(s, kind, bytes);
		s->top.marked = true;
	}
	return 0;
}

/* It is none of the thread's any more. */
static void range_end(struct stages *s, const struct stage_thread *thread, struct range *range,
		      uint64_t bytes)
{
	enum stage_kind kind = range->span.kind;

	if (kind == STAGE_STEP) {
		s->step = 0;
		if (s->top.kind == STAGE_STEP)
			top_set(s, STAGE_NONE, bytes);
		s->iteration++;
	} else if (is_top(kind)) {
		if (s->top.kind == kind && !is_inside(thread, kind))
			top_set(s, STAGE_NONE, bytes);
	} else {
		span_end(s, &range->span, bytes);
	}
}

/* Ends the range of an object, or the last one without, and those begun inside it. */
static void range_close(struct stages *s, struct stage_thread *thread, uint64_t object,
			uint64_t bytes)
{
	size_t at = thread->range_count;

	while (at && thread->ranges[at - 1].object != object)
		at--;
	while (at && thread->range_count >= at)
		range_end(s, thread, &thread->ranges[--thread->range_count], bytes);
}

/*
 * The user's stages by the functions that an allocation is made in: one begins with the first
 * of a thread that is inside of it, and ends with the first that is not.
 */
static int on_own(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		  uint64_t bytes)
{
	unsigned now = e->marks & s->rules->stages, changed = now ^ thread->own;
	struct tensor_event range = *e;
	int err = 0;

	while (changed && !err) {
		size_t rule = own_number(changed);
		unsigned mark = (unsigned)MARK_OWN << rule;

		range.address = own_object(rule);
		range.name = s->rules->items[rule].name;
		if (now & mark)
			err = range_open(s, thread, &range, STAGE_OWN, bytes);
		else
			range_close(s, thread, range.address, bytes);
		changed &= ~mark;
	}
	thread->own = now;
	return err;
}

/*
 * A call that is a stage, but for backward passes: a range of the object that its place is.  What
 * was entered further down was left by an exception; what was entered here, and means the same,
 * has jumped to this function, whose return is that of both.
 */
static int call_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		     uint64_t bytes)
{
	struct tensor_event range = *e;
	int err;

	if (e->stage == STAGE_BACKWARD)
		return window_open(s, thread, e->sp, bytes);
	while (thread->range_count) {
		struct range *last = &thread->ranges[thread->range_count - 1];

		if (!last->call || last->object > e->sp)
			break;
		if (last->object == e->sp && last->span.kind == e->stage)
			return 0;
		thread->range_count--;
		range_end(s, thread, last, bytes);
	}
	range.address = e->sp;
	err = range_open(s, thread, &range, e->stage, bytes);
	if (!err)
		thread->ranges[thread->range_count - 1].call = true;
	return err;
}

static void call_close(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		       uint64_t bytes)
{
	if (e->stage == STAGE_BACKWARD)
		windows_close(s, thread, e->sp, bytes);
	else
		range_close(s, thread, e->sp, bytes);
}

unsigned stages_marks(const struct stages *s, uint32_t id)
{
	unsigned marks = 0;
	size_t i, j;

	for (i = 0; i < s->thread_count; i++)
		for (j = 0; s->threads[i].id == id && j < s->threads[i].range_count; j++)
			marks |= s->threads[i].ranges[j].marks;
	return marks;
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
		return on_own(s, thread, e, bytes);
	case TENSOR_BEGIN:
		return call_open(s, thread, e, bytes);
	case TENSOR_END:
		call_close(s, thread, e, bytes);
		break;
	case TENSOR_PUSH:
		return range_open(s, thread, e, marks_of_range(e->name, e->marks), bytes);
	case TENSOR_POP:
		range_close(s, thread, e->address, bytes);
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
				span_end(&copy, &span, bytes);
		}
	top_set(&copy, STAGE_NONE, bytes);
	/* Where there is no training, a forward pass is no evaluation of it. */
	for (i = 0; !s->windows && i < copy.done_count; i++)
		if (copy.done[i].kind == STAGE_EVALUATION)
			copy.done[i].kind = STAGE_FORWARD;
	qsort(copy.done, copy.done_count, sizeof(*copy.done), compare_starts);
	*out = copy.done;
	*count = copy.done_count;
	return 0;
}
