/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/lines.h"

#include <stdlib.h>
#include <string.h>

/* Python's own library: whoever called it is meant.  Packages lie below it. */
static bool is_library(const char *file)
{
	return !strncmp(file, "<frozen ", 8) ||
	       (strstr(file, "/lib/python3.") && !strstr(file, "-packages/"));
}

static bool is_outside(const struct frame *frame)
{
	return frame->kind == FRAME_PYTHON && frame->file && !strstr(frame->file, "/torch/") &&
	       !is_library(frame->file);
}

bool lines_is_own(const struct frame *frame)
{
	return is_outside(frame) && *frame->function != '<';
}

static bool is_named(const struct frame *frame)
{
	return *frame->function != '[';
}

static bool is_of(const struct frame *frame, const char *module)
{
	return frame->module && module && !strcmp(frame->module, module);
}

/* Where it all began is nobody's line. */
static bool is_start(const struct frame *frame)
{
	const char *name = frame->module ? strrchr(frame->module, '/') : NULL;

	return name && (!strncmp(name, "/libc.", 6) || !strncmp(name, "/libc-", 6));
}

/*
 * Without Python: who called the library that allocates, or where that is a part of the program,
 * who called the function.
 */
static const struct frame *native_line(const struct stack *stack)
{
	const struct frame *innermost = &stack->frames[stack->frame_count - 1], *frame;

	for (frame = innermost; frame > stack->frames && is_of(frame, innermost->module); frame--)
		;
	for (; frame > stack->frames && !is_named(frame); frame--)
		;
	if (!is_of(frame, innermost->module) && is_named(frame) && !is_start(frame))
		return frame;
	for (frame = innermost; frame > stack->frames; frame--)
		if (is_named(frame - 1) && is_of(frame - 1, innermost->module))
			return frame - 1;
	return innermost;
}

const struct frame *lines_own(const struct stack *stack)
{
	size_t i;

	for (i = stack->frame_count; i-- > 0;)
		if (lines_is_own(&stack->frames[i]))
			return &stack->frames[i];
	for (i = stack->frame_count; i-- > 0;)
		if (is_outside(&stack->frames[i]))
			return &stack->frames[i];
	return stack->frame_count ? native_line(stack) : NULL;
}

static bool same_place(const struct frame *a, const struct frame *b)
{
	return a && b && a->line == b->line && !strcmp(a->function, b->function);
}

bool lines_same(const struct stack *a, const struct stack *b)
{
	size_t i = a->frame_count, j = b->frame_count;
	bool any;

	for (any = false;; any = true) {
		while (i && !lines_is_own(&a->frames[i - 1]))
			i--;
		while (j && !lines_is_own(&b->frames[j - 1]))
			j--;
		if (!i || !j)
			return !i && !j && (any || same_place(lines_own(a), lines_own(b)));
		i--;
		j--;
		if (a->frames[i].line != b->frames[j].line ||
		    strcmp(a->frames[i].file, b->frames[j].file) ||
		    strcmp(a->frames[i].function, b->frames[j].function))
			return false;
	}
}

static int compare_sums(const void *a, const void *b)
{
	const struct line_sum *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

size_t lines_sum(const struct snapshot *s, const char *category, struct line_sum *sums)
{
	size_t i, j, count = 0;

	for (i = 0; i < s->tensor_count; i++) {
		const struct stack *t = &s->tensors[i];

		if (!t->at_peak || strcmp(t->category, category))
			continue;
		for (j = 0; j < count; j++)
			if (sums[j].stack->process == t->process && lines_same(sums[j].stack, t))
				break;
		if (j == count)
			sums[count++] = (struct line_sum){.stack = t};
		sums[j].bytes += t->peak_bytes;
		sums[j].count += t->at_peak;
	}
	qsort(sums, count, sizeof(*sums), compare_sums);
	return count;
}

struct line_sum lines_of_stage(const struct snapshot *s, size_t process, const char *stage,
			       uint64_t *all_bytes)
{
	struct line_sum *sums = calloc(s->maker_count + 1, sizeof(*sums)), most = {0};
	size_t i, j, count = 0;

	*all_bytes = 0;
	for (i = 0; sums && i < s->maker_count; i++) {
		const struct stack *t = &s->maker_stacks[i];

		if (t->process != process || strcmp(s->makers[i].stage, stage))
			continue;
		for (j = 0; j < count && !lines_same(sums[j].stack, t); j++)
			;
		if (j == count)
			sums[count++] = (struct line_sum){.stack = t};
		sums[j].bytes += t->alloc_bytes;
		sums[j].count += t->allocs;
		*all_bytes += t->alloc_bytes;
		if (sums[j].bytes > most.bytes)
			most = sums[j];
	}
	free(sums);
	return most;
}
