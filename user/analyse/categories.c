/* SPDX-License-Identifier: GPL-2.0 */
/* The rules, in order: the first that holds decides. */
#include "analyse/categories.h"

typedef bool rule_fn(const struct tensor_block *b, const struct category_context *c);

/* When it ended, or now. */
static const struct moment *end_of(const struct tensor_block *b, const struct category_context *c)
{
	return b->ended ? &b->died : &c->now;
}

static bool is_parameter(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->parameter;
}

static bool is_gradient(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->gradient;
}

static bool is_state(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->state;
}

/* Nothing is known of how it came to be. */
static bool is_unseen(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->unseen;
}

/* ggml's names for what a buffer is for. */
static bool is_weights(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->usage == USAGE_WEIGHTS;
}

static bool is_compute(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->usage == USAGE_COMPUTE;
}

static bool is_cache(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->marks & MARK_CACHE;
}

static bool is_worked_in(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->marks & MARK_WORKSPACE;
}

static bool is_restored_state(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->marks & MARK_STATE_LOAD;
}

static bool outlives_step(const struct tensor_block *b, const struct category_context *c)
{
	return b->born.step && end_of(b, c)->step != b->born.step;
}

static bool is_of_step(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->born.step != 0;
}

/* Made again inside a backward pass, from what was kept of the forward pass. */
static bool is_recomputed(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	if (b->marks & MARK_FORWARD)
		return b->born.window != 0;
	/* Inside it checkpoint() begins a pass of its own, whose gradients have the mark, too. */
	return b->marks & MARK_RECOMPUTE && b->born.depth == 1;
}

/* It was there when the innermost pass that it was born in had ended. */
static bool outlives_window(const struct tensor_block *b, const struct category_context *c)
{
	if (!b->born.window)
		return false;
	return b->ended ? b->window_over : !stages_window_is_open(c->stages, b->born.window);
}

static bool is_of_window(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->born.window != 0;
}

static bool is_of_load(const struct tensor_block *b)
{
	return b->born.stage == STAGE_LOAD;
}

static bool is_of_forward(const struct tensor_block *b)
{
	return b->marks & MARK_FORWARD || b->born.stage == STAGE_FORWARD ||
	       b->born.stage == STAGE_EVALUATION;
}

/* A backward pass has begun since it was born, outside of any. */
static bool saw_window(const struct tensor_block *b, const struct category_context *c)
{
	return end_of(b, c)->windows > b->born.windows;
}

/* From a forward pass, and a backward pass came for it, or is still to come. */
static bool is_activation(const struct tensor_block *b, const struct category_context *c)
{
	return is_of_forward(b) && !(b->marks & MARK_DATA) && (saw_window(b, c) || !b->ended);
}

/* The model is there before it is used, and then. */
static bool is_of_model(const struct tensor_block *b, const struct category_context *c)
{
	return is_of_load(b) && b->marks & (MARK_INIT | MARK_LOAD) &&
	       end_of(b, c)->stage != STAGE_LOAD;
}

/*
 * Of a model whose parameters are known by their gradients, what PyTorch's own modules have made
 * besides is frozen parameters.
 */
static bool is_buffer(const struct tensor_block *b, const struct category_context *c)
{
	return is_of_model(b, c) &&
	       (b->marks & MARK_BUFFER || (c->parameters && !(b->marks & MARK_NN)));
}

/* It came before the forward pass, and was needed for the backward pass, or is there still. */
static bool is_input(const struct tensor_block *b, const struct category_context *c)
{
	return b->marks & MARK_DATA || b->born.stage == STAGE_DATA || saw_window(b, c) ||
	       (!b->ended && !is_of_load(b));
}

static bool has_ended(const struct tensor_block *b, const struct category_context *c)
{
	(void)c;
	return b->ended;
}

/* Where nothing is trained, what comes and goes with a forward pass is all there is of activations.
 */
static bool is_inferred(const struct tensor_block *b, const struct category_context *c)
{
	return !c->now.windows && is_of_forward(b);
}

static bool is_any(const struct tensor_block *b, const struct category_context *c)
{
	(void)b;
	(void)c;
	return true;
}

static const struct {
	rule_fn *holds;
	enum category_kind category;
} rules[] = {
    {is_parameter, CATEGORY_PARAMETERS},
    {is_gradient, CATEGORY_GRADIENTS},
    {is_state, CATEGORY_OPTIMIZER},
    {is_unseen, CATEGORY_OTHER},
    {is_weights, CATEGORY_PARAMETERS},
    {is_compute, CATEGORY_WORKSPACE},
    {is_worked_in, CATEGORY_WORKSPACE},
    {is_cache, CATEGORY_CACHE},
    {is_restored_state, CATEGORY_OPTIMIZER},
    {outlives_step, CATEGORY_OPTIMIZER},
    {is_of_step, CATEGORY_TEMPORARIES},
    {is_recomputed, CATEGORY_ACTIVATIONS},
    {outlives_window, CATEGORY_GRADIENTS},
    {is_of_window, CATEGORY_TEMPORARIES},
    {is_activation, CATEGORY_ACTIVATIONS},
    {is_inferred, CATEGORY_ACTIVATIONS},
    {is_buffer, CATEGORY_BUFFERS},
    {is_of_model, CATEGORY_PARAMETERS},
    {is_input, CATEGORY_INPUTS},
    {has_ended, CATEGORY_TEMPORARIES},
    {is_any, CATEGORY_OTHER},
};

enum category_kind category_of(const struct tensor_block *block,
			       const struct category_context *context)
{
	size_t i = 0;

	while (!rules[i].holds(block, context))
		i++;
	return rules[i].category;
}
