/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/tensors_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TICK_S 0.002

struct tensors *tensors_new(double t_s, const struct own_rules *rules)
{
	struct tensors *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ended = calloc(1, sizeof(*t->ended));
	if (!t->ended || shapes_init(&t->shapes)) {
		free(t->ended);
		free(t);
		return NULL;
	}
	shapes_tell(&t->shapes, true, t_s);
	t->start_s = t_s;
	t->rules = rules;
	t->stages.rules = rules;
	t->tick_s = TICK_S;
	t->context.stages = &t->stages;
	stages_begin(&t->stages, t_s);
	return t;
}

void tensors_free(struct tensors *t)
{
	if (!t)
		return;
	leaks_free(&t->leaks);
	shapes_free(&t->shapes);
	makers_free(&t->makers);
	blocks_free(&t->blocks);
	stages_free(&t->stages);
	tensors_lives_free(t);
	free(t);
}

bool tensors_any(const struct tensors *t)
{
	return t->blocks.device_count != 0;
}

const struct leaks *tensors_leaks(const struct tensors *t)
{
	return &t->leaks;
}

struct tensor_facts tensors_facts(const struct tensors *t)
{
	struct tensor_facts facts = t->facts;

	facts.iterations = t->stages.iteration;
	return facts;
}

bool tensors_wants(const struct tensors *t, enum tensor_told what)
{
	return what == TOLD_SHAPES ? shapes_wanted(&t->shapes) : states_wanted(&t->states);
}

bool tensors_is_told(const struct tensors *t, enum tensor_told what)
{
	return what == TOLD_SHAPES ? t->shapes.told : t->states.told;
}

void tensors_tell(struct tensors *t, enum tensor_told what, bool told, double t_s)
{
	if (what == TOLD_SHAPES)
		shapes_tell(&t->shapes, told, t_s);
	else
		states_tell(&t->states, told, t_s);
}

const struct shapes *tensors_shapes(const struct tensors *t)
{
	return &t->shapes;
}

struct callers *tensors_callers(struct tensors *t)
{
	return &t->callers;
}

const struct stages *tensors_stages(const struct tensors *t)
{
	return &t->stages;
}

void tensors_each_maker(const struct tensors *t, maker_fn *fn, void *context)
{
	const struct stages *s = &t->stages;
	/* As top_set() and stages_copy() see it. */
	enum stage_kind open = s->top.marked || !s->windows ? STAGE_FORWARD : STAGE_EVALUATION;
	size_t i;
	int kind;

	for (i = 0; i < t->makers.count; i++) {
		struct maker maker = t->makers.items[i];

		made_add(&maker.made[open], maker.open);
		if (!s->windows) {
			made_add(&maker.made[STAGE_FORWARD], maker.made[STAGE_EVALUATION]);
			maker.made[STAGE_EVALUATION] = (struct made){0};
		}
		for (kind = 0; kind < STAGE_NR; kind++)
			if (maker.made[kind].count)
				fn(maker.stack, kind, maker.made[kind], context);
	}
}

uint64_t tensors_live_bytes(const struct tensors *t)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < t->blocks.device_count; i++)
		bytes += t->blocks.devices[i].live_bytes;
	return bytes;
}

/* ---- events ------------------------------------------------------------------------ */

static struct moment moment_now(const struct tensors *t)
{
	const struct stages *s = &t->stages;

	return (struct moment){
	    .t_s = s->now_s,
	    .stage = s->top.kind,
	    .iteration = s->iteration,
	    .windows = s->windows,
	    .window = s->window,
	    .depth = s->open_windows,
	    .step = s->step,
	};
}

static bool is_loaded(const struct tensor_block *block)
{
	return block->born.stage == STAGE_LOAD && block->marks & MARK_LOAD;
}

void tensors_block_end(struct tensors *t, struct tensor_block *block)
{
	block->died = t->context.now;
	block->window_over =
	    block->born.window && !stages_window_is_open(&t->stages, block->born.window);
	tensors_add_life(t, block);
	if (is_loaded(block))
		t->loaded_bytes -= block->size;
	blocks_drop(&t->blocks, block);
}

struct tensor_block *tensors_block_begin(struct tensors *t, const struct tensor_block *block)
{
	struct tensor_block *lost = blocks_take(&t->blocks, block->device, block->address), *added;

	if (lost)
		tensors_block_end(t, lost);
	added = blocks_add(&t->blocks, block);
	if (added && is_loaded(added)) {
		t->loaded_bytes += added->size;
		if (t->loaded_bytes > t->facts.loaded_bytes)
			t->facts.loaded_bytes = t->loaded_bytes;
	}
	return added;
}

static int on_alloc(struct tensors *t, const struct tensor_event *e)
{
	struct tensor_block block = {
	    .address = e->address,
	    .size = e->size,
	    .stack = e->stack,
	    .marks = e->marks | stages_marks(&t->stages, e->thread),
	    .device = e->device,
	    .shape = e->shape,
	    .born = t->context.now,
	};

	if (shapes_event(&t->shapes, e->t_s, e->stack, e->size, &block.shape) ||
	    makers_add(&t->makers, t->stages.top.kind, e->stack, e->size))
		return -ENOMEM;
	return tensors_block_begin(t, &block) ? 0 : -ENOMEM;
}

static void on_free(struct tensors *t, const struct tensor_event *e)
{
	struct tensor_block *block = blocks_take(&t->blocks, e->device, e->address);

	if (block)
		tensors_block_end(t, block);
}

static int on_totals(struct tensors *t, const struct tensor_event *e)
{
	struct device_blocks *d = blocks_device(&t->blocks, e->device);

	if (!d)
		return -ENOMEM;
	d->totals_told = true;
	d->now = (struct allocator_totals){e->allocated, e->reserved};
	if (e->reserved > d->reserved_peak)
		d->reserved_peak = e->reserved;
	return 0;
}

/* More than the block has is another's: its report was lost. */
static void on_request(struct tensors *t, const struct tensor_event *e)
{
	size_t i;

	for (i = 0; i < t->blocks.device_count; i++) {
		uint16_t device = t->blocks.devices[i].device;
		struct tensor_block *block = device && device >> 8 == e->device >> 8
						 ? blocks_find(&t->blocks, device, e->address)
						 : NULL;

		if (!block || e->size > block->size)
			continue;
		block->requested = e->size;
		block->stream = e->stream;
		block->told = true;
	}
}

/* What a training keeps on purpose does not leak. */
static bool may_leak(const struct tensor_block *block, void *context)
{
	switch (tensors_category(context, block)) {
	case CATEGORY_PARAMETERS:
	case CATEGORY_GRADIENTS:
	case CATEGORY_OPTIMIZER:
	case CATEGORY_BUFFERS:
		return false;
	default:
		return true;
	}
}

/*
 * The moments that tell most: a backward pass begins, when all activations are there; and a step
 * of the optimizer is over, when all that it works with is, as often not at the peak (gradients)
 * and never at the end.
 */
static int take_stills(struct tensors *t, uint32_t iteration, uint32_t open_windows)
{
	int err = 0;

	if (!open_windows && t->stages.open_windows)
		err = tensors_still_take(t, &t->before_backward);
	if (err || t->stages.iteration == iteration)
		return err;
	states_step(&t->states, t->context.now.t_s);
	err = tensors_still_take(t, &t->after_step);
	if (!err)
		err = leaks_look(&t->leaks, &t->blocks, t->stages.iteration, may_leak, t);
	return err;
}

static void on_usage(struct tensors *t, const struct tensor_event *e)
{
	struct tensor_block *block = blocks_find(&t->blocks, e->device, e->address);

	if (block)
		block->usage = e->size <= USAGE_COMPUTE ? (uint8_t)e->size : USAGE_ANY;
}

/* What was open before the last event of stages is over now: what was it? */
static void settle_makers(struct tensors *t, const struct stage_span *before)
{
	const struct stages *s = &t->stages;
	bool goes_on = s->top.kind == before->kind && s->top.start_s == before->start_s;

	if (before->kind == STAGE_FORWARD && !goes_on)
		makers_settle(&t->makers,
			      s->done_count ? s->done[s->done_count - 1].kind : STAGE_FORWARD);
}

int tensors_event(struct tensors *t, const struct tensor_event *e)
{
	uint32_t iteration = t->stages.iteration, open_windows = t->stages.open_windows;
	const struct stage_span before = t->stages.top;
	int err = stages_event(&t->stages, e, tensors_live_bytes(t));

	settle_makers(t, &before);
	free(t->all);
	t->all = NULL;
	t->context.now = moment_now(t);
	tensors_reach(t, t->context.now.t_s);
	if (t->stages.top.kind == STAGE_LOAD)
		t->facts.load_end_bytes = t->loaded_bytes;
	if (!err && e->totals)
		err = on_totals(t, e);
	switch (e->what) {
	case TENSOR_ALLOC:
		if (t->stages.iteration)
			t->facts.step_bytes += e->size;
		err = on_alloc(t, e);
		break;
	case TENSOR_FREE:
		on_free(t, e);
		break;
	case TENSOR_PARAMETER:
		err = tensors_parameter(t, e);
		break;
	case TENSOR_UPDATE:
		err = tensors_update(t, e);
		break;
	case TENSOR_USAGE:
		on_usage(t, e);
		break;
	case TENSOR_REQUEST:
		on_request(t, e);
		break;
	default:
		break;
	}
	if (!err)
		err = take_stills(t, iteration, open_windows);
	stages_bytes(&t->stages, tensors_live_bytes(t));
	return err;
}

/* ---- answers ------------------------------------------------------------------------ */

struct each_context {
	const struct tensors *tensors;
	tensors_fn *fn;
	void *context;
};

static void each_living(const struct tensor_block *block, void *context)
{
	const struct each_context *c = context;

	c->fn(block, tensors_category(c->tensors, block), false, c->context);
}

static void each_at_peak(const struct tensor_block *block, void *context)
{
	const struct each_context *c = context;

	c->fn(block, tensors_category(c->tensors, block), true, c->context);
}

void tensors_each(const struct tensors *t, tensors_fn *fn, void *context)
{
	struct each_context c = {t, fn, context};

	blocks_each_at_peak(&t->blocks, each_at_peak, &c);
	blocks_each_live(&t->blocks, each_living, &c);
}

static void add_sums(const struct tensor_block *block, unsigned category, bool at_peak,
		     void *context)
{
	struct tensor_sums *sums = context;

	while (sums->device != block->device)
		sums++;
	if (at_peak)
		sums->at_peak[category] += block->size;
	else
		sums->at_end[category] += block->size;
}

int tensors_sums(const struct tensors *t, struct tensor_sums **out, size_t *count)
{
	size_t i, n = t->blocks.device_count;
	struct tensor_sums *sums = calloc(n + 1, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		sums[i].device = t->blocks.devices[i].device;
		if (i < t->before_backward.count)
			memcpy(sums[i].before_backward, t->before_backward.devices[i].bytes,
			       sizeof(sums[i].before_backward));
		if (i < t->after_step.count)
			memcpy(sums[i].after_step, t->after_step.devices[i].bytes,
			       sizeof(sums[i].after_step));
	}
	tensors_each(t, add_sums, sums);
	*out = sums;
	*count = n;
	return 0;
}
