/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One row of the table is one thing to be said, and a function that looks for it in what is
 * known of a process: it says nothing, or one sentence that its numbers bear out.
 */
#include "analyse/insights.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/insights_inside.h"

/* Not worth a sentence. */
#define SMALL_BYTES MIB
#define LEAK_BYTES (4 << 10) /* per iteration: less is a list of numbers */

bool insight_say(struct subject *subject, uint64_t bytes, const char *format, ...)
{
	va_list args;

	subject->bytes = bytes;
	va_start(args, format);
	vsnprintf(subject->text, sizeof(subject->text), format, args);
	va_end(args);
	return true;
}

double insight_share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

#define AT(moment) offsetof(struct category, moment)

/* Bytes of a category at a moment, on a device; NULL: of all, on all. */
static uint64_t bytes_on(const struct subject *x, const char *device, const char *name,
			 size_t moment)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < x->s->category_count; i++) {
		const struct category *c = &x->s->categories[i];

		if (c->process == x->process && (!name || !strcmp(c->name, name)) &&
		    (!device || !strcmp(c->device, device)))
			sum += *(const uint64_t *)((const char *)c + moment);
	}
	return sum;
}

static uint64_t bytes_of(const struct subject *x, const char *name, size_t moment)
{
	return bytes_on(x, NULL, name, moment);
}

const char *insight_place(char text[PLACE_MAX], const struct frame *frame)
{
	const char *slash = frame && frame->file ? strrchr(frame->file, '/') : NULL;

	if (!frame)
		snprintf(text, PLACE_MAX, "an unknown line");
	else if (frame->file)
		snprintf(text, PLACE_MAX, "%.100s:%u (%.100s)", slash ? slash + 1 : frame->file,
			 frame->line, frame->function);
	else
		snprintf(text, PLACE_MAX, "%.200s", frame->function);
	return text;
}

/* ---- training -------------------------------------------------------------------- */

static const struct stage *stage_at(const struct subject *x, double t_s)
{
	size_t i;

	for (i = 0; i < x->s->stage_count; i++) {
		const struct stage *stage = &x->s->stages[i];

		if (stage->process == x->process && !stage->depth && stage->start_s <= t_s &&
		    t_s <= stage->end_s)
			return stage;
	}
	return NULL;
}

static const struct category *largest_at_peak(const struct subject *x)
{
	const struct category *largest = NULL;
	size_t i;

	for (i = 0; i < x->s->category_count; i++) {
		const struct category *c = &x->s->categories[i];

		if (c->process == x->process &&
		    (!largest || c->bytes_at_peak > largest->bytes_at_peak))
			largest = c;
	}
	return largest;
}

static bool peak_composition(struct subject *x)
{
	double at_s = x->s->processes[x->process].layers[LAYER_TENSOR].peak_at_s;
	const struct stage *stage = stage_at(x, at_s);
	char peak[HUMAN_LEN], bytes[HUMAN_LEN], time[HUMAN_LEN], where[128] = "";
	const struct category *largest = largest_at_peak(x);
	uint64_t there;

	if (!largest || x->peak_bytes < SMALL_BYTES)
		return false;
	there = bytes_on(x, largest->device, NULL, AT(bytes_at_peak));
	/* Each device has its peak at another moment, of which the process's is none. */
	if (there != x->peak_bytes)
		return insight_say(x, there, "the peak of %s of tensors on %s is %.0f %% %s (%s)",
				   text_bytes(peak, there), largest->device,
				   insight_share(largest->bytes_at_peak, there), largest->name,
				   text_bytes(bytes, largest->bytes_at_peak));
	if (stage && x->use->iterations)
		snprintf(where, sizeof(where), ", in stage %.40s of iteration %u", stage->name,
			 stage->iteration + 1);
	else if (stage)
		snprintf(where, sizeof(where), ", in stage %.40s", stage->name);
	return insight_say(x, x->peak_bytes,
			   "the peak of %s of tensors, %s after the start%s, is %.0f %% %s (%s)",
			   text_bytes(peak, x->peak_bytes), text_seconds(time, at_s), where,
			   insight_share(largest->bytes_at_peak, x->peak_bytes), largest->name,
			   text_bytes(bytes, largest->bytes_at_peak));
}

static bool activations_dominate(struct subject *x)
{
	uint64_t bytes = bytes_of(x, "activations", AT(bytes_before_backward));
	uint64_t all = bytes_of(x, NULL, AT(bytes_before_backward));
	char number[HUMAN_LEN], line[HUMAN_LEN], place[PLACE_MAX];
	size_t count = lines_sum(x->s, "activations", x->sums), i;

	if (bytes < SMALL_BYTES || insight_share(bytes, all) < 50)
		return false;
	for (i = 0; i < count && x->sums[i].stack->process != x->process; i++)
		;
	if (i == count)
		return false;
	return insight_say(
	    x, bytes,
	    "activations are %s, %.0f %% of what lives when a backward pass begins; most come "
	    "from %s, %s: torch.utils.checkpoint there would make them again instead of "
	    "keeping them, autocast would halve them, and so would half the batch",
	    text_bytes(number, bytes), insight_share(bytes, all),
	    insight_place(place, lines_own(x->sums[i].stack)), text_bytes(line, x->sums[i].bytes));
}

static bool optimizer_doubles(struct subject *x)
{
	uint64_t state = bytes_of(x, "optimizer state", AT(bytes_after_step));
	uint64_t parameters = bytes_of(x, "parameters", AT(bytes_after_step));
	char a[HUMAN_LEN], b[HUMAN_LEN];

	if (state < SMALL_BYTES || (double)state < 1.9 * (double)parameters)
		return false;
	return insight_say(
	    x, state,
	    "the optimizer keeps %s, %.1f times the parameters (%s), as Adam does: SGD with "
	    "momentum keeps one value per parameter, Adafactor and 8-bit optimizers less than "
	    "two",
	    text_bytes(a, state), (double)state / (double)parameters, text_bytes(b, parameters));
}

static bool gradients_stay(struct subject *x)
{
	uint64_t gradients = bytes_of(x, "gradients", AT(bytes_before_backward));
	uint64_t at_peak = bytes_of(x, "gradients", AT(bytes_at_peak));
	uint64_t parameters = bytes_of(x, "parameters", AT(bytes_before_backward));
	char number[HUMAN_LEN];

	if (gradients < SMALL_BYTES || insight_share(gradients, parameters) < 90 ||
	    at_peak < gradients)
		return false;
	return insight_say(
	    x, gradients,
	    "%s of gradients stay through the forward pass and are part of the peak: with "
	    "zero_grad(set_to_none=True) before it they would not be there, unless they are "
	    "accumulated over several batches",
	    text_bytes(number, gradients));
}

static bool loads_twice(struct subject *x)
{
	uint64_t gone;
	char a[HUMAN_LEN], b[HUMAN_LEN];

	if (!x->use || x->use->loaded_bytes < SMALL_BYTES)
		return false;
	gone = x->use->loaded_bytes - x->use->load_end_bytes;
	if (insight_share(gone, x->use->loaded_bytes) < 50)
		return false;
	return insight_say(
	    x, gone,
	    "while the model was loaded, %s of tensors read from files were in memory beside "
	    "the parameters they were copied into; %s of them were gone when it was there: "
	    "torch.load(mmap=True) and load_state_dict(assign=True) spare the copy",
	    text_bytes(a, x->use->loaded_bytes), text_bytes(b, gone));
}

static bool leaks(struct subject *x)
{
	const struct tensor_leak *leak = NULL;
	char bytes[HUMAN_LEN], each[HUMAN_LEN], place[PLACE_MAX];
	uint64_t total = 0;
	size_t i, at = 0, stacks = 0;

	for (i = 0; i < x->s->leak_count; i++) {
		if (x->s->leak_stacks[i].process != x->process)
			continue;
		if (!leak) {
			leak = &x->s->leaks[i];
			at = i;
		}
		total += x->s->leaks[i].bytes;
		stacks++;
	}
	if (!leak || total / leak->iterations < LEAK_BYTES)
		return false;
	return insight_say(
	    x, total,
	    "%s of tensors have stayed from iteration to iteration, %s each, since iteration "
	    "%u, from %zu stack%s; most from %s: something keeps them, as a list of losses "
	    "keeps their graphs (loss.item() or loss.detach() does not)",
	    text_bytes(bytes, total), text_bytes(each, total / leak->iterations), leak->since + 1,
	    stacks, stacks == 1 ? "" : "s",
	    insight_place(place, lines_own(&x->s->leak_stacks[at])));
}

static bool churns(struct subject *x)
{
	uint64_t each;
	char a[HUMAN_LEN], b[HUMAN_LEN];

	if (!x->use || x->use->iterations < 2)
		return false;
	each = x->use->step_bytes / (x->use->iterations - 1);
	if (each < SMALL_BYTES || each < 3 * x->peak_bytes)
		return false;
	return insight_say(
	    x, each,
	    "each iteration allocates %s, %.1f times the peak of %s, and frees it again: "
	    "in-place operations and buffers that are used again take less time and fragment "
	    "less",
	    text_bytes(a, each), (double)each / (double)x->peak_bytes,
	    text_bytes(b, x->peak_bytes));
}

/* ---- any process ------------------------------------------------------------------ */

static bool untouched(struct subject *x)
{
	uint64_t bytes = 0;
	char number[HUMAN_LEN], place[PLACE_MAX];
	const struct stack *most = NULL;
	size_t i;

	for (i = 0; i < x->s->stack_count; i++) {
		const struct stack *stack = &x->s->stacks[i];

		if (stack->process != x->process || !stack->untouched_bytes)
			continue;
		bytes += stack->untouched_bytes;
		if (!most || stack->untouched_bytes > most->untouched_bytes)
			most = stack;
	}
	if (bytes < 16 * SMALL_BYTES)
		return false;
	return insight_say(
	    x, bytes,
	    "%s on the heap were allocated and never touched, most by %s: they take address "
	    "space, not memory, until they are",
	    text_bytes(number, bytes), insight_place(place, lines_own(most)));
}

static bool retained(struct subject *x)
{
	const struct process *p = &x->s->processes[x->process];
	char number[HUMAN_LEN];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < p->part_count; i++)
		if (!strcmp(p->parts[i].name, "retained") && p->parts[i].bytes > 0)
			bytes = (uint64_t)p->parts[i].bytes;
	if (bytes < 16 * SMALL_BYTES || insight_share(bytes, p->parts_rss_bytes) < 20)
		return false;
	return insight_say(
	    x, bytes,
	    "%s, %.0f %% of what is resident, are held by the allocator in no live block: "
	    "malloc_trim(0) or MALLOC_TRIM_THRESHOLD_ gives back what is at the ends of arenas, "
	    "MALLOC_ARENA_MAX=2 keeps them few, jemalloc's background thread returns the rest",
	    text_bytes(number, bytes), insight_share(bytes, p->parts_rss_bytes));
}

static bool workers_copy(struct subject *x)
{
	const struct process *parent = &x->s->processes[x->process];
	uint64_t bytes = 0, shared = 0;
	char a[HUMAN_LEN], b[HUMAN_LEN];
	size_t i, count = 0;

	for (i = 0; i < x->s->use_count; i++) {
		const struct process *p = &x->s->processes[x->s->uses[i].process];

		if (p->ppid != parent->pid || p == parent)
			continue;
		count++;
		bytes += p->rss_peak_bytes;
		shared += p->layers[LAYER_TENSOR].alloc_bytes;
	}
	if (!count || bytes < 16 * SMALL_BYTES)
		return false;
	return insight_say(
	    x, bytes,
	    "%zu worker process%s had up to %s resident between them and made %s of tensors "
	    "for this one: each begins as a copy of it, and what it writes to is its own (large "
	    "Python lists of samples, too: arrays stay shared)",
	    count, count == 1 ? "" : "es", text_bytes(a, bytes), text_bytes(b, shared));
}

/* ---- all ---------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	insight_fn *look;
	bool tensors; /* only of a process that has some */
} rows[] = {
    {"peak", peak_composition, true},
    {"activations", activations_dominate, true},
    {"optimizer", optimizer_doubles, true},
    {"gradients", gradients_stay, true},
    {"load", loads_twice, true},
    {"leak", leaks, true},
    {"churn", churns, true},
    {"workers", workers_copy, true},
    {"untouched", untouched, false},
    {"retained", retained, false},
    {"fragmentation", insight_fragmented, false},
    {"cache", insight_cached, false},
    {"pinned", insight_pinned, false},
    {"outside", insight_outside, false},
};

static int add(struct subject *x, const char *kind)
{
	struct snapshot *s = x->s;
	struct insight *more = realloc(s->insights, (s->insight_count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->insights = more;
	more += s->insight_count;
	*more = (struct insight){
	    .process = x->process,
	    .kind = strdup(kind),
	    .text = strdup(x->text),
	    .bytes = x->bytes,
	};
	s->insight_count++;
	return more->kind && more->text ? 0 : -ENOMEM;
}

static const struct tensor_use *use_of(const struct snapshot *s, size_t process)
{
	size_t i;

	for (i = 0; i < s->use_count; i++)
		if (s->uses[i].process == process)
			return &s->uses[i];
	return NULL;
}

int insights_find(struct snapshot *s)
{
	struct subject x = {.s = s, .sums = calloc(s->tensor_count + 1, sizeof(*x.sums))};
	size_t i;
	int err = x.sums ? 0 : -ENOMEM;

	for (x.process = 0; x.process < s->process_count && !err; x.process++) {
		x.use = use_of(s, x.process);
		x.peak_bytes = bytes_of(&x, NULL, AT(bytes_at_peak));
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && !err; i++)
			if ((x.use || !rows[i].tensors) && rows[i].look(&x))
				err = add(&x, rows[i].kind);
	}
	free(x.sums);
	return err;
}
