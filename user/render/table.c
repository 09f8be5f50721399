/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One block of the live table: the time, a line a process and layer, the stacks
 * that hold most, the losses.  A column is a row of one of the two tables here.
 */
#include <errno.h>
#include <stdlib.h>

#include "render/lines.h"
#include "render/parts.h"
#include "render/render.h"
#include "render/shortage.h"

#define DEFAULT_TOP 10
#define PLAIN_FRAMES 6 /* of a stack, where lines have no limit */

struct table {
	struct lines lines;
	const struct snapshot *s;
	const struct render_options *o;
	unsigned layers; /* that are traced */
	unsigned blocks; /* of them, those of allocations */
};

/* What a row of either table is about; `stack` is NULL for a process. */
struct subject {
	const struct process *process;
	enum layer layer;
	bool first; /* the process's first line */
	const struct stack *stack;
};

struct column {
	const char *title;
	int width; /* cells; negative: left-aligned; 0: the rest of the line */
	const char *(*text)(char buffer[NAME_LEN], const struct subject *subject);
	bool (*needed)(const struct table *table); /* NULL: always */
};

static bool several_processes(const struct table *t)
{
	return t->s->process_count > 1;
}

/* Of the kernel's own memory none is resident or not. */
static bool has_rss(const struct table *t)
{
	return t->s->layer_on[LAYER_RSS];
}

static bool has_rounding(const struct table *t)
{
	return t->s->layer_on[LAYER_SLAB];
}

static bool several_layers(const struct table *t)
{
	return (t->blocks ? t->blocks : t->layers) > 1;
}

static bool fits_width(const struct table *t)
{
	return t->lines.columns;
}

/* ---- columns of a process ---------------------------------------------------- */

static const struct layer_totals *totals(const struct subject *subject)
{
	return &subject->process->layers[subject->layer];
}

static const char *process_pid(char buffer[NAME_LEN], const struct subject *subject)
{
	snprintf(buffer, NAME_LEN, "%d", subject->process->pid);
	return subject->first ? buffer : "";
}

static const char *process_comm(char buffer[NAME_LEN], const struct subject *subject)
{
	(void)buffer;
	return subject->first && subject->process->comm ? subject->process->comm : "";
}

static const char *process_rss(char buffer[NAME_LEN], const struct subject *subject)
{
	return subject->first ? text_bytes(buffer, subject->process->rss_bytes) : "";
}

static const char *process_layer(char buffer[NAME_LEN], const struct subject *subject)
{
	(void)buffer;
	return layer_names[subject->layer];
}

static const char *process_live(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_bytes(buffer, totals(subject)->live_bytes);
}

static const char *process_peak(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_bytes(buffer, totals(subject)->peak_bytes);
}

static const char *process_allocs(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_count(buffer, totals(subject)->allocs);
}

static const char *process_frees(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_count(buffer, totals(subject)->frees);
}

static const struct column process_columns[] = {
    {"PID", 8, process_pid, NULL},        {"COMMAND", -16, process_comm, NULL},
    {"RSS", 10, process_rss, has_rss},    {"LAYER", -7, process_layer, NULL},
    {"LIVE", 10, process_live, NULL},     {"PEAK", 10, process_peak, NULL},
    {"ALLOCS", 14, process_allocs, NULL}, {"FREES", 14, process_frees, NULL},
};

/* ---- columns of a stack -------------------------------------------------------- */

static const char *stack_live(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_bytes(buffer, subject->stack->live_bytes);
}

static const char *stack_delta(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_delta(buffer, subject->stack->delta_bytes);
}

static const char *stack_blocks(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_count(buffer, subject->stack->live);
}

static const char *stack_allocs(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_count(buffer, subject->stack->allocs);
}

static const char *stack_total(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_bytes(buffer, subject->stack->alloc_bytes);
}

static const char *stack_rounding(char buffer[NAME_LEN], const struct subject *subject)
{
	return text_bytes(buffer, subject->stack->rounding_bytes);
}

/* The name buffer is too short for a stack; the line is written by put_row(). */
static const char *stack_frames(char buffer[NAME_LEN], const struct subject *subject)
{
	(void)buffer;
	(void)subject;
	return NULL;
}

static const struct column stack_columns[] = {
    {"LIVE", 10, stack_live, NULL},
    {"DELTA", 10, stack_delta, NULL},
    {"ROUNDING", 10, stack_rounding, has_rounding},
    {"BLOCKS", 10, stack_blocks, NULL},
    {"ALLOCS", 12, stack_allocs, NULL},
    {"TOTAL", 10, stack_total, NULL},
    {"PID", 8, process_pid, several_processes},
    {"LAYER", -7, process_layer, several_layers},
    {"STACK, from the allocation to its callers", 0, stack_frames, fits_width},
};

/* ---- rows ----------------------------------------------------------------------- */

static void put_titles(struct table *t, const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (columns[i].needed && !columns[i].needed(t))
			continue;
		if (i)
			lines_put(&t->lines, STYLE_PLAIN, "  ");
		if (columns[i].width)
			lines_cell(&t->lines, STYLE_STRONG, columns[i].width, columns[i].title);
		else
			lines_put(&t->lines, STYLE_STRONG, "%s", columns[i].title);
	}
	lines_end(&t->lines);
}

static void put_stack_line(struct table *t, const struct stack *stack)
{
	char *text = part_stack_line(stack, t->lines.columns);

	lines_put(&t->lines, STYLE_PLAIN, "%s", text ? text : "?");
	free(text);
}

static enum style style_of(const struct column *column, const struct subject *subject)
{
	if (column->text != stack_delta || !subject->stack->delta_bytes)
		return STYLE_PLAIN;
	return subject->stack->delta_bytes > 0 ? STYLE_GROW : STYLE_SHRINK;
}

static void put_row(struct table *t, const struct column *columns, size_t count,
		    const struct subject *subject)
{
	char buffer[NAME_LEN];

	for (size_t i = 0; i < count; i++) {
		const struct column *column = &columns[i];

		if (column->needed && !column->needed(t))
			continue;
		if (i)
			lines_put(&t->lines, STYLE_PLAIN, "  ");
		if (column->width)
			lines_cell(&t->lines, style_of(column, subject), column->width,
				   column->text(buffer, subject));
		else
			put_stack_line(t, subject->stack);
	}
	lines_end(&t->lines);
}

#define COUNT(columns) (sizeof(columns) / sizeof(columns[0]))

/* ---- the block's parts ------------------------------------------------------------ */

static bool is_over(const struct process *process)
{
	return process->exited || process->execed;
}

static uint64_t largest_layer(const struct process *process)
{
	uint64_t largest = 0;

	for (int i = 0; i < LAYER_NR; i++)
		if (process->layers[i].live_bytes > largest)
			largest = process->layers[i].live_bytes;
	return largest;
}

/* Those that run first, and among them those that hold most. */
static int compare_processes(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a;
	const struct process *y = *(const struct process *const *)b;

	if (is_over(x) != is_over(y))
		return is_over(x) ? 1 : -1;
	if (largest_layer(x) != largest_layer(y))
		return largest_layer(x) > largest_layer(y) ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_process(struct table *t, const struct process *process)
{
	struct subject subject = {.process = process, .first = true};

	for (int i = 0; i < LAYER_NR; i++) {
		/* resident memory is a column, not a layer of blocks */
		if (!t->s->layer_on[i] || i == LAYER_RSS)
			continue;
		subject.layer = (enum layer)i;
		put_row(t, process_columns, COUNT(process_columns), &subject);
		subject.first = false;
	}
}

static int put_processes(struct table *t, size_t limit)
{
	const struct process **sorted = calloc(t->s->process_count + 1, sizeof(*sorted));
	size_t count = t->s->process_count, shown = count < limit ? count : limit;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &t->s->processes[i];
	qsort(sorted, count, sizeof(*sorted), compare_processes);
	put_titles(t, process_columns, COUNT(process_columns));
	for (size_t i = 0; i < shown; i++)
		put_process(t, sorted[i]);
	if (shown < count) {
		lines_put(&t->lines, STYLE_DIM, "          and %zu more process%s", count - shown,
			  count - shown == 1 ? "" : "es");
		lines_end(&t->lines);
	}
	free(sorted);
	return 0;
}

/* A stack's innermost frames on lines of their own. */
static void put_frames(struct table *t, const struct stack *stack)
{
	char name[NAME_LEN], place[NAME_LEN];
	size_t i = stack->frame_count;

	for (unsigned shown = 0; i > 0 && shown < PLAIN_FRAMES; shown++) {
		const struct frame *frame = &stack->frames[--i];

		part_place(place, frame);
		lines_put(&t->lines, STYLE_PLAIN, "            %s%s%s%s",
			  part_short_name(name, frame), *place ? " (" : "", place,
			  *place ? ")" : "");
		lines_end(&t->lines);
	}
	if (i) {
		lines_put(&t->lines, STYLE_DIM, "            … and %zu callers", i);
		lines_end(&t->lines);
	}
}

static uint64_t live_bytes(const struct stack *stack)
{
	return stack->live_bytes;
}

/* Without what is mapped and what is resident: they would hide what was allocated. */
static uint64_t block_bytes(const struct stack *stack)
{
	return stack->layer == LAYER_VM || stack->layer == LAYER_RSS ? 0 : stack->live_bytes;
}

static int put_stacks(struct table *t)
{
	size_t count, limit = t->o->top ? t->o->top : DEFAULT_TOP;
	size_t *top = part_top(t->s, LAYER_NR, t->blocks ? block_bytes : live_bytes, &count);

	if (!top)
		return -ENOMEM;
	if (!count)
		lines_put(&t->lines, STYLE_DIM, "nothing is held");
	if (!count)
		lines_end(&t->lines);
	else
		put_titles(t, stack_columns, COUNT(stack_columns));
	for (size_t i = 0; i < count && i < limit && lines_room(&t->lines); i++) {
		const struct stack *stack = &t->s->stacks[top[i]];
		struct subject subject = {
		    .process = &t->s->processes[stack->process],
		    .layer = stack->layer,
		    .first = true,
		    .stack = stack,
		};

		put_row(t, stack_columns, COUNT(stack_columns), &subject);
		if (!t->lines.columns)
			put_frames(t, stack);
	}
	free(top);
	return 0;
}

/* Rows that the losses get: all they need, but never more than a third. */
static unsigned loss_rows(const struct table *t, unsigned rows)
{
	unsigned wanted = (unsigned)part_losses(t->s), limit = rows / 3 ? rows / 3 : 1;

	if (!wanted)
		wanted = 1;
	return rows && wanted > limit ? limit : wanted;
}

static void put_losses(struct table *t, unsigned rows)
{
	size_t losses = part_losses(t->s), shown = 0;
	char number[HUMAN_LEN];

	if (!losses) {
		lines_put(&t->lines, STYLE_DIM, "no losses");
		lines_end(&t->lines);
	}
	for (size_t i = 0; i < t->s->loss_count && shown < losses; i++) {
		const struct loss *loss = &t->s->losses[i];

		if (!loss->count)
			continue;
		if (shown + 1 == rows && losses > rows) {
			lines_put(&t->lines, STYLE_LOSS, "!!! %zu loss counters are not zero",
				  losses - shown);
			lines_end(&t->lines);
			break;
		}
		lines_put(&t->lines, STYLE_LOSS, "!!! %s %s", text_count(number, loss->count),
			  loss->text);
		lines_end(&t->lines);
		shown++;
	}
}

/* A third of the rows at most, and a process has a line a layer. */
static size_t process_limit(const struct table *t, unsigned rows)
{
	size_t limit = rows / 3 / (t->layers ? t->layers : 1);

	if (!rows)
		return DEFAULT_TOP;
	return limit ? limit : 1;
}

static void put_blank(struct table *t, unsigned rows)
{
	/* a small terminal has better use for the line */
	if (!rows || rows >= 20)
		lines_end(&t->lines);
}

int render_table(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct table t = {
	    .lines = {.out = out, .columns = o->columns, .colour = o->colour},
	    .s = s,
	    .o = o,
	};
	/* the newline behind the last row would scroll */
	unsigned rows = o->rows > 1 ? o->rows - 1 : o->rows, losses;
	char time[HUMAN_LEN];
	int error;

	for (int i = 0; i < LAYER_NR; i++) {
		t.layers += s->layer_on[i] && i != LAYER_RSS;
		t.blocks += s->layer_on[i] && i != LAYER_RSS && i != LAYER_VM;
	}
	losses = loss_rows(&t, rows);
	t.lines.rows = rows > losses ? rows - losses : rows;
	lines_put(&t.lines, STYLE_STRONG, "memsnoop  %s  %s", text_seconds(time, s->duration_s),
		  s->title ? s->title : "");
	lines_end(&t.lines);
	shortage_put_victims(&t.lines, s);
	error = put_processes(&t, process_limit(&t, rows));
	put_blank(&t, rows);
	if (!error)
		error = put_stacks(&t);
	put_blank(&t, rows);
	t.lines.rows = rows;
	put_losses(&t, losses);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
