/* SPDX-License-Identifier: GPL-2.0 */
/* The summary's section on the allocators of devices. */
#include <stdlib.h>

#include "render/parts.h"
#include "render/summary.h"

#define NAME_CELLS 22
#define TOP_HOLDERS 4

static const struct {
	const char *name;
	size_t offset;
} rows[] = {
    {"reserved", offsetof(struct allocator_moment, reserved_bytes)},
    {"  asked for", offsetof(struct allocator_moment, requested_bytes)},
    {"  rounded up by", offsetof(struct allocator_moment, rounding_bytes)},
    {"  rounding not known", offsetof(struct allocator_moment, untold_bytes)},
    {"  not in use", offsetof(struct allocator_moment, unused_bytes)},
};

static uint64_t bytes_of(const struct allocator_moment *m, size_t row)
{
	return *(const uint64_t *)((const char *)m + rows[row].offset);
}

static void put_row(struct summary *m, const struct allocator *a, size_t row)
{
	const struct allocator_moment *moments[] = {&a->at_peak, &a->now};
	char number[HUMAN_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, STYLE_PLAIN, -NAME_CELLS, rows[row].name);
	for (size_t i = 0; i < 2; i++) {
		uint64_t bytes = bytes_of(moments[i], row);

		lines_cell(&m->lines, row ? STYLE_PLAIN : STYLE_STRONG, 12,
			   text_bytes(number, bytes));
		lines_put(&m->lines, STYLE_PLAIN, " %5.1f %%",
			  summary_share(bytes, moments[i]->reserved_bytes));
	}
	lines_end(&m->lines);
}

/* How what is not in use lies, and whose blocks are in the way. */
static void put_segments(struct summary *m, size_t index)
{
	const struct allocator *a = &m->s->allocators[index];
	char x[HUMAN_LEN], y[HUMAN_LEN], z[HUMAN_LEN];
	size_t i, shown = 0;

	lines_put(&m->lines, STYLE_DIM,
		  "  at the end %s are free in %s segment%s that blocks live in, %s in others",
		  text_bytes(x, a->stranded_bytes), text_count(y, a->held_segments),
		  summary_plural(a->held_segments), text_bytes(z, a->cached_bytes));
	lines_end(&m->lines);
	for (i = 0; i < m->s->holder_count && shown < TOP_HOLDERS; i++) {
		const struct stack *stack = &m->s->holder_stacks[i];
		char *line;

		if (m->s->holders[i].allocator != index)
			continue;
		line = part_stack_line(stack, 90);
		lines_put(&m->lines, STYLE_PLAIN, "    %s free beside %s in %s block%s   ",
			  text_bytes(x, m->s->holders[i].holds_bytes),
			  text_bytes(y, stack->live_bytes), text_count(z, stack->live),
			  summary_plural(stack->live));
		lines_put(&m->lines, STYLE_DIM, "%s", line ? line : "");
		lines_end(&m->lines);
		free(line);
		shown++;
	}
}

void summary_allocators(struct summary *m)
{
	for (size_t i = 0; i < m->s->allocator_count; i++) {
		const struct allocator *a = &m->s->allocators[i];
		char title[NAME_LEN + 96], name[NAME_LEN], number[HUMAN_LEN];

		snprintf(title, sizeof(title),
			 "What the allocator of %s has taken of %s, %s at most",
			 part_process(name, &m->s->processes[a->process]), a->device,
			 text_bytes(number, a->reserved_peak_bytes));
		summary_heading(m, title);
		lines_put(&m->lines, STYLE_PLAIN, "  ");
		lines_cell(&m->lines, STYLE_DIM, -NAME_CELLS, "");
		lines_cell(&m->lines, STYLE_DIM, 12, "at the peak");
		lines_cell(&m->lines, STYLE_DIM, 20, "at the end");
		lines_end(&m->lines);
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			if (!j || bytes_of(&a->at_peak, j) || bytes_of(&a->now, j))
				put_row(m, a, j);
		if (a->segments_known && a->now.unused_bytes)
			put_segments(m, i);
	}
}
