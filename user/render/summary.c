/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text at the end of a run: totals, the stacks that made the peak, what is
 * still held, what was only temporary, and last whatever was lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "render/frameset.h"
#include "render/lines.h"
#include "render/parts.h"
#include "render/render.h"

#define DEFAULT_TOP 10
#define SHORT_TOP 5      /* of the lists that have a line a stack */
#define PROCESSES 8      /* shown one by one */
#define FRAMES 24        /* of one stack, unless everything is wanted */
#define FRAMES_AT_ROOT 6 /* of those, if a stack has more */
#define COMMON_ROOT 3    /* frames at the root that all have are said once, if so many */
#define NAME_CELLS 52    /* a function's column */

struct summary {
	struct lines lines;
	const struct snapshot *s;
	const struct render_options *o;
};

static void heading(struct summary *m, const char *text)
{
	lines_end(&m->lines);
	lines_put(&m->lines, STYLE_HEAD, "%s", text);
	lines_end(&m->lines);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- processes ------------------------------------------------------------------- */

static uint64_t largest_peak(const struct process *process)
{
	uint64_t largest = 0;

	for (int i = 0; i < LAYER_NR; i++)
		if (process->layers[i].peak_bytes > largest)
			largest = process->layers[i].peak_bytes;
	return largest;
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a;
	const struct process *y = *(const struct process *const *)b;

	if (largest_peak(x) != largest_peak(y))
		return largest_peak(x) > largest_peak(y) ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_fate(struct summary *m, const struct process *process)
{
	char name[NAME_LEN];

	lines_end(&m->lines);
	lines_put(&m->lines, STYLE_STRONG, "%s", part_process(name, process));
	if (!process->pid)
		; /* the kernel */
	else if (process->execed)
		lines_put(&m->lines, STYLE_PLAIN, ", became another program");
	else if (!process->exited)
		lines_put(&m->lines, STYLE_PLAIN, ", still running");
	else if (process->exit_code > 128)
		lines_put(&m->lines, STYLE_PLAIN, ", ended with status %d, as by signal %d",
			  process->exit_code, process->exit_code - 128);
	else
		lines_put(&m->lines, STYLE_PLAIN, ", ended with status %d", process->exit_code);
	lines_end(&m->lines);
}

/* What is freed without having been seen allocated. */
static const char *unknown_blocks(enum layer layer)
{
	switch (layer) {
	case LAYER_SLAB:
		return "objects from before tracing, or allocated in bulk";
	case LAYER_PAGES:
		return "pages from before tracing, or of processes and files, which are not traced";
	default:
		return "blocks from before tracing";
	}
}

/* Things that are mostly zero: a line only if there is something to say. */
static void put_exceptions(struct summary *m, enum layer layer, const struct layer_totals *t)
{
	char number[HUMAN_LEN];

	if (t->in_flight_bytes) {
		lines_put(&m->lines, STYLE_PLAIN,
			  "          %s of the peak in flight: changed by other threads at that "
			  "moment, no stack's share",
			  text_bytes(number, t->in_flight_bytes));
		lines_end(&m->lines);
	}
	if (t->unknown_frees) {
		lines_put(&m->lines, STYLE_PLAIN, "          %s free%s of %s",
			  text_count(number, t->unknown_frees), plural(t->unknown_frees),
			  unknown_blocks(layer));
		lines_end(&m->lines);
	}
	if (t->rounding_bytes) {
		lines_put(&m->lines, STYLE_PLAIN,
			  "          %s more are taken by what is held: blocks have fixed sizes",
			  text_bytes(number, t->rounding_bytes));
		lines_end(&m->lines);
	}
	if (t->failed) {
		lines_put(&m->lines, STYLE_PLAIN, "          %s call%s returned no memory",
			  text_count(number, t->failed), plural(t->failed));
		lines_end(&m->lines);
	}
}

static void put_layer(struct summary *m, enum layer layer, const struct layer_totals *t)
{
	char number[HUMAN_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "  ");
	lines_cell(&m->lines, STYLE_PLAIN, -6, layer_names[layer]);
	lines_cell(&m->lines, STYLE_STRONG, 12, text_bytes(number, t->peak_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, text_seconds(number, t->peak_at_s));
	lines_cell(&m->lines, STYLE_STRONG, 14, text_bytes(number, t->live_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 15, text_count(number, t->allocs));
	lines_cell(&m->lines, STYLE_PLAIN, 15, text_count(number, t->frees));
	lines_cell(&m->lines, STYLE_PLAIN, 13, text_bytes(number, t->alloc_bytes));
	lines_end(&m->lines);
	put_exceptions(m, layer, t);
}

static void put_process(struct summary *m, const struct process *process)
{
	static const struct {
		const char *title;
		int width;
	} titles[] = {
	    {"  layer ", -8},    {"peak", 12},  {"reached at", 12}, {"held at end", 14},
	    {"allocations", 15}, {"frees", 15}, {"allocated", 13},
	};
	char number[HUMAN_LEN];

	put_fate(m, process);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		lines_cell(&m->lines, STYLE_DIM, titles[i].width, titles[i].title);
	lines_end(&m->lines);
	for (int i = 0; i < LAYER_NR; i++)
		if (m->s->layer_on[i] && i != LAYER_RSS)
			put_layer(m, (enum layer)i, &process->layers[i]);
	if (!m->s->layer_on[LAYER_RSS])
		return;
	lines_put(&m->lines, STYLE_PLAIN, "  RSS   ");
	lines_cell(&m->lines, STYLE_STRONG, 12, text_bytes(number, process->rss_peak_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, "");
	lines_cell(&m->lines, STYLE_STRONG, 14, text_bytes(number, process->rss_bytes));
	lines_end(&m->lines);
}

static int put_processes(struct summary *m)
{
	size_t count = m->s->process_count, shown = count < PROCESSES ? count : PROCESSES;
	const struct process **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &m->s->processes[i];
	qsort(sorted, count, sizeof(*sorted), compare_processes);
	for (size_t i = 0; i < shown; i++)
		put_process(m, sorted[i]);
	if (shown < count) {
		lines_put(&m->lines, STYLE_DIM, "and %zu more process%s with lower peaks",
			  count - shown, count - shown == 1 ? "" : "es");
		lines_end(&m->lines);
	}
	free(sorted);
	return 0;
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
				  plural(omitted));
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

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void put_peak_stack(struct summary *m, size_t number, const struct stack *stack, size_t root)
{
	const struct process *process = &m->s->processes[stack->process];
	uint64_t peak = process->layers[stack->layer].peak_bytes;
	char text[HUMAN_LEN], name[NAME_LEN];

	lines_put(&m->lines, STYLE_PLAIN, "%3zu.", number);
	lines_cell(&m->lines, STYLE_STRONG, 11, text_bytes(text, stack->peak_bytes));
	lines_put(&m->lines, STYLE_PLAIN, "  %5.1f %%   %s allocation%s",
		  share_of(stack->peak_bytes, peak), text_count(text, stack->allocs),
		  plural(stack->allocs));
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
	heading(m, title);
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
	heading(m, title);
	for (size_t i = 0; i < shown; i++) {
		const struct stack *stack = &m->s->stacks[live->indices[i]];

		lines_cell(&m->lines, STYLE_STRONG, 15, text_bytes(text, stack->live_bytes));
		lines_put(&m->lines, STYLE_PLAIN, "  in %s block%s", text_count(text, stack->live),
			  plural(stack->live));
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
	heading(m, title);
	for (size_t i = 0; i < shown; i++) {
		const struct stack *stack = &m->s->stacks[ranking->indices[i]];

		lines_cell(&m->lines, STYLE_STRONG, 15, text_count(text, stack->temporary));
		lines_put(&m->lines, STYLE_PLAIN, "  %3.0f %% of its allocations",
			  share_of(stack->temporary, stack->allocs));
		put_line(m, ranking->indices[i], place_in(peak, ranking->indices[i]));
	}
}

static int put_lists(struct summary *m, enum layer layer)
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

/* ---- the end ------------------------------------------------------------------------- */

static void put_remarks(struct summary *m)
{
	char number[HUMAN_LEN];

	lines_end(&m->lines);
	for (size_t i = 0; i < m->s->note_count; i++) {
		lines_put(&m->lines, STYLE_PLAIN, "note: %s", m->s->notes[i]);
		lines_end(&m->lines);
	}
	if (!part_losses(m->s)) {
		lines_put(&m->lines, STYLE_PLAIN, "no losses");
		lines_end(&m->lines);
	}
	for (size_t i = 0; i < m->s->loss_count; i++) {
		const struct loss *loss = &m->s->losses[i];

		if (!loss->count)
			continue;
		lines_put(&m->lines, STYLE_LOSS, "!!! %s %s", text_count(number, loss->count),
			  loss->text);
		lines_end(&m->lines);
	}
}

int render_summary(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct summary m = {
	    .lines = {.out = out, .columns = o->columns, .colour = o->colour},
	    .s = s,
	    .o = o,
	};
	char time[HUMAN_LEN];
	int error;

	lines_put(&m.lines, STYLE_STRONG, "memsnoop: %s", s->title ? s->title : "");
	lines_put(&m.lines, STYLE_PLAIN, ", %s", text_seconds(time, s->duration_s));
	lines_end(&m.lines);
	error = put_processes(&m);
	for (int i = 0; i < LAYER_NR && !error; i++)
		error = put_lists(&m, (enum layer)i);
	put_remarks(&m);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
