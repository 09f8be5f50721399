/* SPDX-License-Identifier: GPL-2.0 */
#include "collect/native_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/marks.h"
#include "base/array.h"

int native_names_init(struct native_names *n)
{
	uint64_t remark;
	int err = 0;

	*n = (struct native_names){0};
	/* Of what has no stack there is nothing to wait for. */
	for (remark = 0; remark <= MS_STACK_REMARKS && !err; remark++)
		err = native_learn(&n->marks, remark, 0);
	return err;
}

void native_names_free(struct native_names *n)
{
	while (n->count)
		free(n->unread[--n->count].frames);
	free(n->unread);
	pair_map_free(&n->by_frame);
	native_free(&n->marks);
	*n = (struct native_names){0};
}

/* Code in a file, also the allocation function itself; but not Python's. */
static bool is_native(uint64_t frame)
{
	return MS_FRAME_MODULE(frame) && MS_FRAME_MODULE(frame) < MS_MODULE_CALL;
}

void native_names_note(struct native_names *n, uint64_t hash, const struct ms_stack *stack)
{
	struct unread *u;

	if (!native_is_open(&n->marks, hash) ||
	    array_reserve(&n->unread, n->count, &n->room, sizeof(*n->unread)))
		return;
	u = &n->unread[n->count];
	u->stack = hash;
	u->count = stack->nr;
	u->frames = malloc((stack->nr + 1) * sizeof(*u->frames));
	if (!u->frames)
		return;
	memcpy(u->frames, stack->frames, stack->nr * sizeof(*u->frames));
	n->count++;
}

/* Of a frame, beside its marks: one of its functions asks for memory. */
#define ASKS (1u << 31)

static unsigned marks_of_names(const struct frames_source *source, const struct own_rules *rules,
			       uint64_t frame)
{
	struct frame names[SYMBOL_INLINE_MAX];
	size_t i, count = frames_name(source, frame, names);
	unsigned marks = 0, asked;

	for (i = 0; i < count; i++) {
		const char *file = names[i].file ? names[i].file : "";

		/* Somebody has asked the allocation function. */
		if (!MS_FRAME_IS_ROW(frame) && !(marks & ASKS) &&
		    marks_of_native(names[i].function, &asked))
			marks |= ASKS | asked;
		marks |=
		    own_marks(rules, names[i].function, file, names[i].line) & rules->categories;
	}
	return marks;
}

static unsigned marks_of_frame_once(struct native_names *n, const struct frames_source *source,
				    const struct own_rules *rules, uint64_t frame)
{
	uintptr_t known = (uintptr_t)pair_map_find(&n->by_frame, frame, 0);
	unsigned marks;

	if (known)
		return (unsigned)(known - 1);
	marks = marks_of_names(source, rules, frame);
	pair_map_add(&n->by_frame, frame, 0, (void *)(uintptr_t)(marks + 1));
	return marks;
}

static unsigned marks_of_stack(struct native_names *n, const struct frames_source *source,
			       const struct own_rules *rules, const struct unread *stack)
{
	unsigned marks = 0;
	size_t i;

	for (i = 0; i < stack->count; i++) {
		unsigned frame = is_native(stack->frames[i])
				     ? marks_of_frame_once(n, source, rules, stack->frames[i])
				     : 0;

		marks |= marks & ASKS ? frame & rules->categories : frame;
	}
	return marks & ~ASKS;
}

void native_names_read(struct native_names *n, const struct frames_source *source,
		       const struct own_rules *rules)
{
	while (n->count) {
		struct unread *u = &n->unread[--n->count];

		/* Without memory it stays as it is without names. */
		native_learn(&n->marks, u->stack, marks_of_stack(n, source, rules, u));
		free(u->frames);
	}
}
