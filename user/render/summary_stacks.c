/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of stacks: what made the peak, what is still held, what was only temporary. */
#include <errno.h>
#include <stdlib.h>

#include "render/frameset.h"
#include "render/parts.h"
#include "render/summary.h"

#define DEFAULT_TOP 10
#define SHORT_TOP 5      /* of the lists that have a line a stack */
#define FRAMES 24        /* of one stack, unless everything is wanted */
#define FRAMES_AT_ROOT 6 /* of those, if a stack has more */
#define COMMON_ROOT 3    /* frames at the root that all have are said once, if so many */
#define NAME_CELLS 52    /* a function's column */

void summary_heading(struct summary *m, const char *text)
{
	lines_end(&m->lines);
	lines_put(&m->lines, STYLE_HEAD, "%s", text);
	lines_end(&m->lines);
}

const char *summary_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

double summary_share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* ---- one stack in full -------------------------------------------------------------- */

static void put_frame(struct summary *m, const struct frame *frame)
{
	char name[NAME_LEN], place[NAME_LEN];
	const char *function = m->o->verbose ? frame->function : part_short_name(name, frame);

	part_place(place, frame);
	lines_put(&m->lines, STYLE_PLAIN, "        ");
	if (*place && lines_width(function) < NAME_CELLS)
		lines_cell(&m->lines, STYLE_PLAIN, -NAME_CELLS, function);
	else
		lines_put(&m->lines, STYLE_PLAIN, *place ? "%s  " : "%s", function);
	lines_put(&m->lines, STYLE_DIM, "%s%s", place, frame->inlined ? " (inlined)" : "");
	lines_end(&m->lines);
}

/*
 * From the allocation down to `root`, the number of frames that were said
 * before; the middle of a very deep stack is left out.
 */
static void put_frames(struct summary *m, const struct stack *stack, size_t root)
{
	size_t count = stack->frame_count, omitted = 0, kept = root + FRAMES_AT_ROOT;

	if (count > root + FRAMES && !m->o->verbose)
		omitted = count - root - FRAMES;
	for (size_t i = count; i-- > root;) {
		if (omitted && i + 1 == kept + omitted) {
			lines_put(&m->lines, STYLE_DIM,
				  "        … %zu frame%s left out (-v shows all)", omitted,
				  summary_plural(omitted));
			lines_end(&m->lines);
			i = kept;
			continue;
		}
		put_frame(m, &stack->frames[i]);
	}
}

/* "half of the freed blocks lived less than 4.1 ms". */
static void put_lifetime(struct summary *m, const struct stack *stack)
{
	uint64_t all = 0, sum = 0;
	char time[HUMAN_LEN];
	int bucket = 0;

	for (int i = 0; i < LIFETIME_BUCKETS; i++)
		all += stack->lifetime[i];
	if (!all) {
		lines_put(&m->lines, STYLE_PLAIN, ", none freed");
		return;
	}
	while (bucket < LIFETIME_BUCKETS - 1 && (sum += stack->lifetime[bucket]) < all - all / 2)
		bucket++;
	text_seconds(time, (double)(1ULL << (bucket + (bucket < LIFETIME_BUCKETS - 1))) * 1e-6);
	lines_put(&m->lines, STYLE_PLAIN, ", half of those freed lived %s %s",
		  bucket < LIFETIME_BUCKETS - 1 ? "less than" : "more than", time);
}

static void put_peak_stack(struct summary *m, size_t number, const struct stack *stack, size_t root)
{
	const struct process *process = &m->s->processes[stack->process];
	uint64_t peak = process->layers[stack->layer].peak_bytes;
	char text[HUMAN_LEN], name[NAME_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "%3zu.", number);
	lines_cell(&m->lines, STYLE_STRONG, 11, text_bytes(text, stack->peak_bytes));
	lines_put(&m->lines, STYLE_PLAIN, "  %5.1f %%   %s allocation%s",
		  summary_share(stack->peak_bytes, peak), text_count(text, stack->allocs),
		  summary_plural(stack->allocs));
	put_lifetime(m, stack);
	if (m->s->process_count > 1)
		lines_put(&m->lines, STYLE_DIM, ", %s", part_process(name, process));
	lines_end(&m->lines);
	put_frames(m, stack, root);
}

/* ---- lists of stacks ------------------------------------------------------------------ */

static uint64_t peak_bytes(const struct stack *stack)
{
	return stack->peak_bytes;
}

static uint64_t live_bytes(const struct stack *stack)
{
	return stack->live_bytes;
}

static uint64_t temporary(const struct stack *stack)
{
	return stack->temporary;
}

struct ranking {
	size_t *indices, count, shown;
};

/* The place of a stack among those shown, from 1; 0 if it is not there. */
static size_t place_in(const struct ranking *ranking, size_t index)
{
	for (size_t i = 0; i < ranking->shown; i++)
		if (ranking->indices[i] == index)
			return i + 1;
	return 0;
}

static void put_line(struct summary *m, size_t index, size_t above)
{
	const struct stack *stack = &m->s->stacks[index];
	char *text;

	lines_put(&m->lines, STYLE_PLAIN, "   ");
	if (above) {
		lines_put(&m->lines, STYLE_DIM, "stack %zu above", above);
	} else {
		text = part_stack_line(stack, m->lines.columns ? m->lines.columns : 140);
		lines_put(&m->lines, STYLE_PLAIN, "%s", text ? text : "?");
		free(text);
	}
	lines_end(&m->lines);
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->line == b->line && !frameset_compare_text(a->function, b->function) &&
	       !frameset_compare_text(a->file, b->file) &&
	       !frameset_compare_text(a->module, b->module);
}

/* Frames that all stacks shown have in common, from the root, if that saves anything. */
static size_t common_root(const struct summary *m, const struct ranking *ranking)
{
	const struct stack *first = &m->s->stacks[ranking->indices[0]];
	size_t common = first->frame_count;

	if (ranking->shown < 2 || m->o->verbose)
		return 0;
	for (size_t i = 1; i < ranking->shown; i++) {
		const struct stack *stack = &m->s->stacks[ranking->indices[i]];
		size_t n = 0;

		while (n < common && n < stack->frame_count &&
		       same_frame(&first->frames[n], &stack->frames[n]))
			n++;
		common = n;
	}
	return common >= COMMON_ROOT ? common : 0;
}

static void put_peak_list(struct summary *m, enum layer layer, const struct ranking *ranking)
{
	char title[NAME_LEN];
	size_t root;

	snprintf(title, sizeof(title), "Top %zu of %zu stacks at the peak, %s%s", ranking->shown,
		 ranking->count, layer_names[layer],
		 m->s->process_count > 1 ? ", each process at its own peak" : "");
	summary_heading(m, title);
	root = common_root(m, ranking);
	for (size_t i = 0; i < ranking->shown; i++)
		put_peak_stack(m, i + 1, &m->s->stacks[ranking->indices[i]], root);
	if (!root)
		return;
	lines_put(&m->lines, STYLE_PLAIN, "each of them was called, further out, from");
	lines_end(&m->lines);
	for (size_t i = root; i-- > 0;)
		put_frame(m, &m->s->stacks[ranking->indices[0]].frames[i]);
}

/* What is held at the end, unless that is the list of the peak again. */
static void put_live_list(struct summary *m, enum layer layer, const struct ranking *peak,
			  const struct ranking *live)
{
	char text[HUMAN_LEN], title[NAME_LEN];
	size_t shown = live->count < SHORT_TOP ? live->count : SHORT_TOP, same = 0;

	while (same < shown && same < peak->shown && peak->indices[same] == live->indices[same] &&
	       live_bytes(&m->s->stacks[live->indices[same]]) ==
		   peak_bytes(&m->s->stacks[live->indices[same]]))
		same++;
	if (same == shown)
		return;
	snprintf(title, sizeof(title), "Top %zu of %zu stacks held at the end, %s", shown,
		 live->count, layer_names[layer]);
	summary_heading(m, title);
	for (size_t i = 0; i < shown; i++) {
		const struct stack *stack = &m->s->stacks[live->indices[i]];

		lines_cell(&m->lines, STYLE_STRONG, 15, text_bytes(text, stack->live_bytes));
		lines_put(&m->lines, STYLE_PLAIN, "  in %s block%s", text_count(text, stack->live),
			  summary_plural(stack->live));
		put_line(m, live->indices[i], place_in(peak, live->indices[i]));
	}
}

static void put_temporary_list(struct summary *m, enum layer layer, const struct ranking *peak,
			       const struct ranking *ranking)
{
	char text[HUMAN_LEN], title[NAME_LEN];
	size_t shown = ranking->count < SHORT_TOP ? ranking->count : SHORT_TOP;

	if (!shown)
		return;
	snprintf(title, sizeof(title),
		 "Most temporary allocations, freed by the thread's very next call, %s",
		 layer_names[layer]);
	summary_heading(m, title);
	for (size_t i = 0; i < shown; i++) {
		const struct stack *stack = &m->s->stacks[ranking->indices[i]];

		lines_cell(&m->lines, STYLE_STRONG, 15, text_count(text, stack->temporary));
		lines_put(&m->lines, STYLE_PLAIN, "  %3.0f %% of its allocations",
			  summary_share(stack->temporary, stack->allocs));
		put_line(m, ranking->indices[i], place_in(peak, ranking->indices[i]));
	}
}

static uint64_t untouched_bytes(const struct stack *stack)
{
	return stack->untouched_bytes;
}

/* A list with a line a stack, for what is no list of allocations. */
static void put_short_list(struct summary *m, const struct ranking *ranking, const char *title,
			   part_value_fn *value, const char *event)
{
	char text[HUMAN_LEN], line[NAME_LEN];
	size_t shown = ranking->count < SHORT_TOP ? ranking->count : SHORT_TOP;

	if (!shown)
		return;
	snprintf(line, sizeof(line), "Top %zu of %zu stacks: %s", shown, ranking->count, title);
	summary_heading(m, line);
	for (size_t i = 0; i < shown; i++) {
		const struct stack *stack = &m->s->stacks[ranking->indices[i]];

		lines_cell(&m->lines, STYLE_STRONG, 15, text_bytes(text, value(stack)));
		if (event)
			lines_put(&m->lines, STYLE_PLAIN, "  %s %s%s",
				  text_count(text, stack->allocs), event,
				  summary_plural(stack->allocs));
		if (stack->major_faults)
			lines_put(&m->lines, STYLE_PLAIN, ", %s major",
				  text_count(text, stack->major_faults));
		put_line(m, ranking->indices[i], 0);
	}
}

/* Layers whose stacks say how memory came to be there, not what asked for it. */
static const struct {
	enum layer layer;
	part_value_fn *value;
	const char *title, *event;
} short_lists[] = {
    {LAYER_HEAP, untouched_bytes, "allocated in large blocks and never touched", NULL},
    {LAYER_VM, peak_bytes, "mapped at the peak of mapped memory", "call"},
    {LAYER_RSS, peak_bytes, "touched first what was resident at its peak", "page fault"},
};

static int put_short_lists(struct summary *m, enum layer layer)
{
	for (size_t i = 0; i < sizeof(short_lists) / sizeof(short_lists[0]); i++) {
		struct ranking ranking = {0};

		if (short_lists[i].layer != layer)
			continue;
		ranking.indices = part_top(m->s, layer, short_lists[i].value, &ranking.count);
		if (!ranking.indices)
			return -ENOMEM;
		put_short_list(m, &ranking, short_lists[i].title, short_lists[i].value,
			       short_lists[i].event);
		free(ranking.indices);
	}
	return 0;
}

static int put_allocations(struct summary *m, enum layer layer)
{
	part_value_fn *const values[] = {peak_bytes, live_bytes, temporary};
	struct ranking rankings[3] = {0};
	size_t top = m->o->top ? m->o->top : DEFAULT_TOP;
	int error = 0;

	for (int i = 0; i < 3; i++) {
		rankings[i].indices = part_top(m->s, layer, values[i], &rankings[i].count);
		if (!rankings[i].indices)
			error = -ENOMEM;
		rankings[i].shown = rankings[i].count < top ? rankings[i].count : top;
	}
	if (!error && rankings[0].count)
		put_peak_list(m, layer, &rankings[0]);
	if (!error)
		put_live_list(m, layer, &rankings[0], &rankings[1]);
	if (!error)
		put_temporary_list(m, layer, &rankings[0], &rankings[2]);
	for (int i = 0; i < 3; i++)
		free(rankings[i].indices);
	return error;
}

int summary_stacks(struct summary *m, enum layer layer)
{
	int error = layer == LAYER_VM || layer == LAYER_RSS ? 0 : put_allocations(m, layer);

	return error ? error : put_short_lists(m, layer);
}
