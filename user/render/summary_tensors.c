/* SPDX-License-Identifier: GPL-2.0 */
/* The summary's sections on tensors: what they are for, stages, the largest, and advice. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/lines.h"
#include "render/parts.h"
#include "render/summary.h"

#define TOP_TENSORS 8
#define TOP_LAYERS 8
#define NAME_CELLS 18

/* ---- categories ------------------------------------------------------------------ */

static const struct {
	const char *title;
	size_t offset;
} moments[] = {
    {"at the peak", offsetof(struct category, bytes_at_peak)},
    {"before backward", offsetof(struct category, bytes_before_backward)},
    {"after a step", offsetof(struct category, bytes_after_step)},
    {"at the end", offsetof(struct category, bytes_at_end)},
};

#define MOMENTS (sizeof(moments) / sizeof(moments[0]))

static uint64_t bytes_at(const struct category *c, size_t moment)
{
	return *(const uint64_t *)((const char *)c + moments[moment].offset);
}

static bool same_device(const struct category *a, const struct category *b)
{
	return a->process == b->process && !strcmp(a->device, b->device);
}

static void put_row(struct summary *m, enum style style, const char *name,
		    const uint64_t bytes[MOMENTS], uint64_t peak)
{
	char number[HUMAN_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, style, -NAME_CELLS, name);
	for (size_t i = 0; i < MOMENTS; i++) {
		lines_cell(&m->lines, style, i ? 17 : 12, text_bytes(number, bytes[i]));
		if (!i)
			lines_put(&m->lines, STYLE_PLAIN, " %5.1f %%",
				  summary_share(bytes[i], peak));
	}
	lines_end(&m->lines);
}

/* One device's table: its categories stand together. */
static size_t put_device(struct summary *m, size_t from)
{
	const struct category *first = &m->s->categories[from];
	uint64_t all[MOMENTS] = {0}, bytes[MOMENTS];
	char title[NAME_LEN + 64], name[NAME_LEN];
	size_t i, j, end = from;

	for (; end < m->s->category_count && same_device(first, &m->s->categories[end]); end++)
		for (j = 0; j < MOMENTS; j++)
			all[j] += bytes_at(&m->s->categories[end], j);
	if (!all[0])
		return end;
	snprintf(title, sizeof(title), "Tensors of %s on %s, by what they are for",
		 part_process(name, &m->s->processes[first->process]), first->device);
	summary_heading(m, title);
	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, STYLE_DIM, -NAME_CELLS, "");
	for (j = 0; j < MOMENTS; j++)
		lines_cell(&m->lines, STYLE_DIM, j == 1 ? 25 : j ? 17 : 12, moments[j].title);
	lines_end(&m->lines);
	for (i = from; i < end; i++) {
		uint64_t any = 0;

		for (j = 0; j < MOMENTS; j++)
			any |= bytes[j] = bytes_at(&m->s->categories[i], j);
		if (any)
			put_row(m, STYLE_PLAIN, m->s->categories[i].name, bytes, all[0]);
	}
	put_row(m, STYLE_STRONG, "all", all, all[0]);
	return end;
}

/* ---- lines ---------------------------------------------------------------------- */

/* The innermost lines of the program that led to it: "forward resnet.py:96 < …". */
static void put_lines(struct summary *m, const struct stack *stack, size_t most)
{
	const struct frame *own = lines_own(stack);
	char place[NAME_LEN];
	size_t shown = 0;

	for (size_t i = stack->frame_count; i-- > 0 && shown < most;) {
		const struct frame *frame = &stack->frames[i];

		if (!lines_is_own(frame))
			continue;
		lines_put(&m->lines, STYLE_PLAIN, "%s%s ", shown++ ? " < " : "  ", frame->function);
		lines_put(&m->lines, STYLE_DIM, "%s", part_place(place, frame));
	}
	if (shown || !own)
		return;
	/* "<module>" says nothing that its place does not. */
	lines_put(&m->lines, STYLE_PLAIN, "  ");
	if (*own->function != '<')
		lines_put(&m->lines, STYLE_PLAIN, "%s ", own->function);
	lines_put(&m->lines, STYLE_DIM, "%s", part_place(place, own));
}

/* ---- stages ---------------------------------------------------------------------- */

struct stage_sum {
	const char *name;
	size_t process;
	unsigned depth;
	size_t count;
	double seconds;
	uint64_t peak_bytes;
	int64_t growth_bytes;
};

static struct stage_sum *sum_of(struct stage_sum *sums, size_t *count, const struct stage *stage)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (sums[i].process == stage->process && !strcmp(sums[i].name, stage->name))
			return &sums[i];
	sums[*count] = (struct stage_sum){
	    .name = stage->name, .process = stage->process, .depth = stage->depth};
	return &sums[(*count)++];
}

/* Who allocated most in it, and how much of all. */
static void put_maker(struct summary *m, const struct stage_sum *sum)
{
	uint64_t all;
	struct line_sum most = lines_of_stage(m->s, sum->process, sum->name, &all);

	if (!most.bytes || sum->depth)
		return;
	lines_put(&m->lines, STYLE_PLAIN, "%5.0f %%", summary_share(most.bytes, all));
	put_lines(m, most.stack, 1);
}

static void put_stage(struct summary *m, const struct stage_sum *sum)
{
	char number[HUMAN_LEN], name[NAME_LEN];

	snprintf(name, sizeof(name), "%s%s", sum->depth ? "  " : "", sum->name);
	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, STYLE_PLAIN, -NAME_CELLS, name);
	lines_cell(&m->lines, STYLE_PLAIN, 8, text_count(number, sum->count));
	lines_cell(&m->lines, STYLE_PLAIN, 12, text_seconds(number, sum->seconds));
	lines_cell(&m->lines, STYLE_PLAIN, 12,
		   text_seconds(number, sum->seconds / (double)sum->count));
	lines_cell(&m->lines, STYLE_STRONG, 14, text_bytes(number, sum->peak_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 14,
		   text_delta(number, sum->growth_bytes / (int64_t)sum->count));
	put_maker(m, sum);
	lines_end(&m->lines);
}

static int put_stages(struct summary *m)
{
	static const struct {
		const char *title;
		int width;
	} titles[] = {{"", -NAME_CELLS}, {"times", 8},         {"all", 12},
		      {"one", 12},       {"highest peak", 14}, {"growth of one", 15}};
	struct stage_sum *sums = calloc(m->s->stage_count + 1, sizeof(*sums));
	size_t i, count = 0;

	if (!sums)
		return -ENOMEM;
	for (i = 0; i < m->s->stage_count; i++) {
		const struct stage *stage = &m->s->stages[i];
		struct stage_sum *sum = sum_of(sums, &count, stage);

		sum->count++;
		sum->seconds += stage->end_s - stage->start_s;
		sum->growth_bytes += stage->growth_bytes;
		if (stage->peak_bytes > sum->peak_bytes)
			sum->peak_bytes = stage->peak_bytes;
	}
	for (i = 0; i < count; i++) {
		if (!i || sums[i].process != sums[i - 1].process) {
			summary_heading(m, "Stages, and the tensors that live in them");
			lines_put(&m->lines, STYLE_PLAIN, "  ");
			for (size_t j = 0; j < sizeof(titles) / sizeof(titles[0]); j++)
				lines_cell(&m->lines, STYLE_DIM, titles[j].width, titles[j].title);
			lines_put(&m->lines, STYLE_DIM, "  most allocated by");
			lines_end(&m->lines);
		}
		put_stage(m, &sums[i]);
	}
	free(sums);
	return 0;
}

/* ---- the largest tensors ----------------------------------------------------------- */

static int put_tensors(struct summary *m)
{
	char number[HUMAN_LEN], text[NAME_LEN];
	size_t i;

	if (!m->s->tensor_count)
		return 0;
	summary_heading(m, "Largest tensors at the peak");
	for (i = 0; i < m->s->tensor_count && i < TOP_TENSORS; i++) {
		const struct stack *t = &m->s->tensors[i];

		if (!t->at_peak)
			break;
		lines_put(&m->lines, STYLE_PLAIN, "%3zu.", i + 1);
		lines_cell(&m->lines, STYLE_STRONG, 11, text_bytes(number, t->peak_bytes));
		lines_put(&m->lines, STYLE_PLAIN, "  ");
		lines_cell(&m->lines, STYLE_PLAIN, -15, t->category);
		lines_put(&m->lines, STYLE_PLAIN, " ");
		snprintf(text, sizeof(text), "%s%s%s",
			 t->at_peak > 1 ? text_count(number, t->at_peak) : "",
			 t->at_peak > 1 ? " x " : "", *t->shape ? t->shape : "[unknown shape]");
		lines_cell(&m->lines, STYLE_PLAIN, -30, text);
		put_lines(m, t, 1);
		lines_end(&m->lines);
	}
	return 0;
}

/* ---- activations by layer ------------------------------------------------------------ */

static int put_layers(struct summary *m)
{
	struct line_sum *sums = calloc(m->s->tensor_count + 1, sizeof(*sums));
	size_t i, count = sums ? lines_sum(m->s, "activations", sums) : 0;
	char number[HUMAN_LEN];

	if (!sums)
		return -ENOMEM;
	if (count)
		summary_heading(m, "Activations at the peak, by the line that made them");
	for (i = 0; i < count && i < TOP_LAYERS; i++) {
		lines_put(&m->lines, STYLE_PLAIN, "%3zu.", i + 1);
		lines_cell(&m->lines, STYLE_STRONG, 11, text_bytes(number, sums[i].bytes));
		lines_cell(&m->lines, STYLE_PLAIN, 6, text_count(number, sums[i].count));
		lines_put(&m->lines, STYLE_PLAIN, " tensor%s", summary_plural(sums[i].count));
		put_lines(m, sums[i].stack, 3);
		lines_end(&m->lines);
	}
	if (count > TOP_LAYERS) {
		lines_put(&m->lines, STYLE_DIM, "     and %zu lines more", count - TOP_LAYERS);
		lines_end(&m->lines);
	}
	free(sums);
	return 0;
}

/* ---- advice -------------------------------------------------------------------------- */

static void put_insights(struct summary *m)
{
	if (m->s->insight_count)
		summary_heading(m, "What stands out");
	for (size_t i = 0; i < m->s->insight_count; i++) {
		lines_put(&m->lines, STYLE_PLAIN, "  - %s", m->s->insights[i].text);
		lines_end(&m->lines);
	}
}

int summary_tensors(struct summary *m)
{
	size_t i = 0;
	int err;

	while (i < m->s->category_count)
		i = put_device(m, i);
	summary_allocators(m);
	err = put_stages(m);
	if (!err)
		err = put_tensors(m);
	if (!err)
		err = put_layers(m);
	put_insights(m);
	return err;
}
