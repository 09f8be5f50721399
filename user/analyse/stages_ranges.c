/* SPDX-License-Identifier: GPL-2.0 */
/* What threads are inside of: backward passes, ranges, and calls that are stages. */
#include <errno.h>
#include <string.h>

#include "analyse/marks.h"
#include "analyse/stages_inside.h"
#include "base/array.h"

bool stages_is_inside(const struct stage_thread *thread, enum stage_kind kind)
{
	size_t i;

	for (i = 0; i < thread->range_count; i++)
		if (thread->ranges[i].span.kind == kind)
			return true;
	return false;
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
		stages_top_set(s, STAGE_NONE, bytes);
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
		stages_top_set(s, STAGE_BACKWARD, bytes);
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

int stages_range_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		      enum stage_kind kind, uint64_t bytes)
{
	bool goes_on = s->top.kind == kind && stages_is_inside(thread, kind);
	struct range *range;

	if (array_reserve(&thread->ranges, thread->range_count, &thread->range_room,
			  sizeof(*thread->ranges)))
		return -ENOMEM;
	range = &thread->ranges[thread->range_count++];
	*range = (struct range){.object = e->address,
				.marks = stage_marks[kind],
				.span = stages_span_begin(s, kind, bytes)};
	range->span.depth = (uint32_t)thread->range_count;
	if (kind == STAGE_OWN)
		strncpy(range->span.name, e->name, sizeof(range->span.name) - 1);
	if (kind == STAGE_STEP) {
		s->step = ++s->steps;
		stages_top_set(s, STAGE_STEP, bytes);
	} else if (is_top(kind) && !goes_on && !s->open_windows && !s->step) {
		stages_top_set(s, kind, bytes);
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
			stages_top_set(s, STAGE_NONE, bytes);
		s->iteration++;
	} else if (is_top(kind)) {
		if (s->top.kind == kind && !stages_is_inside(thread, kind))
			stages_top_set(s, STAGE_NONE, bytes);
	} else {
		stages_span_end(s, &range->span, bytes);
	}
}

/* Ends the range of an object, or the last one without, and those begun inside it. */
void stages_range_close(struct stages *s, struct stage_thread *thread, uint64_t object,
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
int stages_own(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
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
			err = stages_range_open(s, thread, &range, STAGE_OWN, bytes);
		else
			stages_range_close(s, thread, range.address, bytes);
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
int stages_call_open(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
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
	err = stages_range_open(s, thread, &range, e->stage, bytes);
	if (!err)
		thread->ranges[thread->range_count - 1].call = true;
	return err;
}

void stages_call_close(struct stages *s, struct stage_thread *thread, const struct tensor_event *e,
		       uint64_t bytes)
{
	if (e->stage == STAGE_BACKWARD)
		windows_close(s, thread, e->sp, bytes);
	else
		stages_range_close(s, thread, e->sp, bytes);
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
