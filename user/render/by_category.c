/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot of the tensors by category. */
#include "render/by_category.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char unlisted[] = "[tensors too small to be listed]";

bool by_category_has(enum metric metric)
{
	return metric == METRIC_PEAK || metric == METRIC_LIVE;
}

bool by_category_any(const struct snapshot *s)
{
	return s->tensor_count || s->category_count;
}

static const char *name_or(const char *name)
{
	return name && *name ? name : "other";
}

/* The frames of `stack` between its category and its shape. */
static int add_stack(struct snapshot *view, const struct stack *stack, const char *category)
{
	struct stack *new = &view->stacks[view->stack_count];
	size_t n = stack->frame_count;
	struct frame *frames = calloc(n + 2, sizeof(*frames));

	if (!frames)
		return -ENOMEM;
	frames[0] = (struct frame){.function = category, .kind = FRAME_CATEGORY};
	if (n)
		memcpy(frames + 1, stack->frames, n * sizeof(*frames));
	if (stack->shape && *stack->shape)
		frames[++n] = (struct frame){
		    .function = stack->shape, .module = category, .kind = FRAME_SHAPE};
	*new = *stack;
	new->layer = LAYER_TENSOR;
	new->frames = frames;
	new->frame_count = n + 1;
	view->stack_count++;
	return 0;
}

static int add_tensors(struct snapshot *view, const struct snapshot *s, enum metric metric)
{
	int error = 0;

	for (size_t i = 0; i < s->tensor_count && !error; i++) {
		const struct stack *tensor = &s->tensors[i];
		struct stack stack = *tensor;

		/* how many there are of it, for this metric */
		stack.allocs = metric == METRIC_LIVE ? tensor->live : tensor->at_peak;
		error = add_stack(view, &stack, name_or(tensor->category));
	}
	return error;
}

/* ---- what is not in the list ----------------------------------------------------------- */

static bool same_device(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static int add_unlisted(struct snapshot *view, const struct snapshot *s, const struct category *c)
{
	static struct frame frame = {.function = unlisted, .kind = FRAME_NOTE};
	struct stack rest = {
	    .process = c->process,
	    .device = c->device,
	    .frames = &frame,
	    .frame_count = 1,
	    .live_bytes = c->bytes_at_end,
	    .peak_bytes = c->bytes_at_peak,
	    .end = "root",
	};

	for (size_t i = 0; i < s->tensor_count; i++) {
		const struct stack *t = &s->tensors[i];

		if (t->process != c->process || !same_device(t->device, c->device) ||
		    strcmp(name_or(t->category), name_or(c->name)) != 0)
			continue;
		rest.live_bytes -=
		    t->live_bytes < rest.live_bytes ? t->live_bytes : rest.live_bytes;
		rest.peak_bytes -=
		    t->peak_bytes < rest.peak_bytes ? t->peak_bytes : rest.peak_bytes;
	}
	return rest.live_bytes || rest.peak_bytes ? add_stack(view, &rest, name_or(c->name)) : 0;
}

/* What a process's peak has beyond its categories; they may also have more. */
static void set_in_flight(struct snapshot *view, const struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++) {
		struct layer_totals *t = &view->processes[i].layers[LAYER_TENSOR];
		uint64_t bytes = 0;

		view->processes[i] = s->processes[i];
		for (size_t k = 0; k < view->stack_count; k++)
			if (view->stacks[k].process == i)
				bytes += view->stacks[k].peak_bytes;
		t->in_flight_bytes = (int64_t)(t->peak_bytes - bytes);
	}
}

int by_category_view(struct snapshot *view, const struct snapshot *s, enum metric metric)
{
	int error;

	*view = *s;
	view->stack_count = 0;
	view->stacks = calloc(s->tensor_count + s->category_count + 1, sizeof(*view->stacks));
	view->processes = calloc(s->process_count + 1, sizeof(*view->processes));
	if (!view->stacks || !view->processes)
		return -ENOMEM;
	error = add_tensors(view, s, metric);
	for (size_t i = 0; i < s->category_count && !error; i++)
		error = add_unlisted(view, s, &s->categories[i]);
	if (!error)
		set_in_flight(view, s);
	return error;
}

void by_category_free(struct snapshot *view)
{
	for (size_t i = 0; view->stacks && i < view->stack_count; i++)
		free(view->stacks[i].frames);
	free(view->stacks);
	free(view->processes);
	*view = (struct snapshot){0};
}

int by_category_render(FILE *out, const struct snapshot *s, const struct render_options *o,
		       render_fn *render)
{
	struct render_options options = *o;
	struct snapshot view;
	int error;

	if (!o->by_category)
		return render(out, s, o);
	options.layers = 1u << LAYER_TENSOR;
	error = by_category_view(&view, s, o->metric);
	if (!error)
		error = render(out, &view, &options);
	by_category_free(&view);
	return error;
}
