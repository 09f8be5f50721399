/* SPDX-License-Identifier: GPL-2.0 */
/* Blocks, stages and categories of tensors, from events that were written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/marks.h"
#include "analyse/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A process and its clock: a millisecond for each event. */
struct scene {
	struct tensors *tensors;
	double now_s;
};

static struct own_rules rules;

static void begin(struct scene *s)
{
	s->tensors = tensors_new(0, &rules);
	s->now_s = 0;
	assert_non_null(s->tensors);
}

static void end(struct scene *s)
{
	tensors_free(s->tensors);
}

static void event(struct scene *s, struct tensor_event e)
{
	s->now_s += 0.001;
	e.t_s = s->now_s;
	e.name = e.name ? e.name : "";
	e.shape.dtype = TENSOR_DTYPE_NONE;
	assert_int_equal(tensors_event(s->tensors, &e), 0);
}

static void alloc(struct scene *s, uint64_t address, uint64_t size, unsigned marks)
{
	event(s, (struct tensor_event){.what = TENSOR_ALLOC,
				       .address = address,
				       .size = size,
				       .stack = address,
				       .marks = marks});
}

static void release(struct scene *s, uint64_t address)
{
	event(s, (struct tensor_event){.what = TENSOR_FREE, .address = address});
}

static void backward(struct scene *s, enum tensor_what what, uint64_t sp)
{
	event(s, (struct tensor_event){.what = what, .sp = sp, .stage = STAGE_BACKWARD});
}

static void push(struct scene *s, uint64_t object, const char *name, unsigned marks)
{
	event(s, (struct tensor_event){
		     .what = TENSOR_PUSH, .address = object, .name = name, .marks = marks});
}

static void pop(struct scene *s, uint64_t object)
{
	event(s, (struct tensor_event){.what = TENSOR_POP, .address = object});
}

static void parameter(struct scene *s, uint64_t address, uint64_t size, uint64_t gradient)
{
	event(s, (struct tensor_event){.what = TENSOR_PARAMETER,
				       .address = address,
				       .size = size,
				       .gradient_address = gradient,
				       .gradient_size = gradient ? size : 0});
}

/* ---- categories ------------------------------------------------------------------ */

struct wanted {
	enum category_kind category;
	uint64_t bytes;
};

enum moment_kind { AT_PEAK, BEFORE_BACKWARD, AFTER_STEP, AT_END };

static const uint64_t *bytes_at(const struct tensor_sums *sums, enum moment_kind moment)
{
	switch (moment) {
	case AT_PEAK:
		return sums->at_peak;
	case BEFORE_BACKWARD:
		return sums->before_backward;
	case AFTER_STEP:
		return sums->after_step;
	default:
		return sums->at_end;
	}
}

/* These, and nothing else. */
static void expect(const struct scene *s, enum moment_kind moment, const struct wanted *wanted,
		   size_t count)
{
	uint64_t bytes[TENSOR_CATEGORIES] = {0};
	struct tensor_sums *sums;
	size_t i, n;

	assert_int_equal(tensors_sums(s->tensors, &sums, &n), 0);
	assert_int_equal(n, 1);
	for (i = 0; i < count; i++)
		bytes[wanted[i].category] = wanted[i].bytes;
	for (i = 0; i < TENSOR_CATEGORIES; i++)
		if (bytes_at(sums, moment)[i] != bytes[i])
			fail_msg("%s at moment %d: %lu, should be %lu",
				 i < CATEGORY_NR ? category_names[i] : "own", moment,
				 bytes_at(sums, moment)[i], bytes[i]);
	free(sums);
}

#define EXPECT(scene, moment, ...)                                                                 \
	do {                                                                                       \
		static const struct wanted wanted[] = {__VA_ARGS__};                               \
		expect(scene, moment, wanted, COUNT(wanted));                                      \
	} while (0)

/* One iteration of a training with momentum: a parameter of 100 bytes at 1, its gradient at 2. */
static void iteration(struct scene *s, bool first)
{
	alloc(s, 10, 7, 0);             /* the input */
	alloc(s, 11, 40, MARK_FORWARD); /* kept for the backward pass */
	alloc(s, 12, 9, MARK_FORWARD);  /* not kept */
	release(s, 12);
	alloc(s, 13, 4, 0); /* the loss */
	backward(s, TENSOR_BEGIN, 1000);
	alloc(s, 14, 30, 0); /* of the pass itself */
	release(s, 11);
	alloc(s, 2, 100, 0);
	parameter(s, 1, 100, 0);
	release(s, 14);
	backward(s, TENSOR_END, 1000);
	push(s, 5000, "Optimizer.step#SGD.step", 0);
	if (first)
		alloc(s, 3, 100, MARK_STEP);
	alloc(s, 15, 8, MARK_STEP);
	release(s, 15);
	pop(s, 5000);
}

/* The stages in their order, as "load forward backward …"; ranges inside them in brackets. */
static void expect_stages(const struct scene *s, const char *wanted)
{
	struct stage_span *spans;
	char text[512] = "";
	size_t i, count;

	assert_int_equal(stages_copy(tensors_stages(s->tensors), s->now_s,
				     tensors_live_bytes(s->tensors), &spans, &count),
			 0);
	for (i = 0; i < count; i++) {
		const char *name =
		    spans[i].kind == STAGE_OWN ? spans[i].name : stage_names[spans[i].kind];
		size_t used = strlen(text);

		assert_true(spans[i].start_s <= spans[i].end_s);
		assert_true(spans[i].peak_bytes >= spans[i].exit_bytes);
		snprintf(text + used, sizeof(text) - used, spans[i].depth ? "%s(%s)" : "%s%s",
			 used ? " " : "", name);
	}
	free(spans);
	assert_string_equal(text, wanted);
}

static void test_training(void **state)
{
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, MARK_INIT | MARK_NN);
	alloc(&s, 4, 20, MARK_INIT | MARK_NN | MARK_BUFFER);
	alloc(&s, 5, 60, MARK_INIT | MARK_NN); /* no gradient ever comes for it: frozen */
	for (i = 0; i < 3; i++) {
		iteration(&s, !i);
		EXPECT(&s, AFTER_STEP, {CATEGORY_PARAMETERS, 160}, {CATEGORY_GRADIENTS, 100},
		       {CATEGORY_OPTIMIZER, 100}, {CATEGORY_BUFFERS, 20}, {CATEGORY_INPUTS, 7},
		       {CATEGORY_ACTIVATIONS, 4});
		release(&s, 2); /* set to None */
		release(&s, 10);
		release(&s, 13);
	}
	EXPECT(&s, BEFORE_BACKWARD, {CATEGORY_PARAMETERS, 160}, {CATEGORY_OPTIMIZER, 100},
	       {CATEGORY_BUFFERS, 20}, {CATEGORY_INPUTS, 7}, {CATEGORY_ACTIVATIONS, 44});
	/* 160 + 100 + 20 + 7 + 4 and the gradient, when what the step took for itself was there, or
	 * in the pass: 30 more than what it frees at that time. */
	EXPECT(&s, AT_PEAK, {CATEGORY_PARAMETERS, 160}, {CATEGORY_OPTIMIZER, 100},
	       {CATEGORY_BUFFERS, 20}, {CATEGORY_INPUTS, 7}, {CATEGORY_ACTIVATIONS, 4},
	       {CATEGORY_GRADIENTS, 100}, {CATEGORY_TEMPORARIES, 30});
	end(&s);
}

static void test_gradients_that_are_there_already(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	/* Attached late: neither the parameter nor its gradient was seen. */
	backward(&s, TENSOR_BEGIN, 1000);
	alloc(&s, 20, 100, 0); /* added to the gradient, and gone */
	parameter(&s, 1, 100, 2);
	release(&s, 20);
	backward(&s, TENSOR_END, 1000);
	EXPECT(&s, AT_END, {CATEGORY_PARAMETERS, 100}, {CATEGORY_GRADIENTS, 100});
	/* They were there at the peak. */
	EXPECT(&s, AT_PEAK, {CATEGORY_PARAMETERS, 100}, {CATEGORY_GRADIENTS, 100},
	       {CATEGORY_TEMPORARIES, 100});
	release(&s, 2);
	EXPECT(&s, AT_END, {CATEGORY_PARAMETERS, 100});
	end(&s);
}

static void test_recomputed_activations(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	alloc(&s, 1, 5, MARK_FORWARD);
	backward(&s, TENSOR_BEGIN, 1000);
	alloc(&s, 2, 50, MARK_FORWARD | MARK_RECOMPUTE);
	alloc(&s, 3, 8, MARK_RECOMPUTE);   /* in no module */
	backward(&s, TENSOR_BEGIN, 900);   /* checkpoint()'s own */
	alloc(&s, 4, 100, MARK_RECOMPUTE); /* a gradient */
	EXPECT(&s, AT_END, {CATEGORY_ACTIVATIONS, 63}, {CATEGORY_TEMPORARIES, 100});
	release(&s, 2);
	release(&s, 3);
	backward(&s, TENSOR_END, 900);
	release(&s, 1);
	backward(&s, TENSOR_END, 1000);
	EXPECT(&s, AT_END, {CATEGORY_GRADIENTS, 100});
	end(&s);
}

static void test_inference(void **state)
{
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, MARK_INIT | MARK_NN);
	alloc(&s, 2, 20, MARK_INIT | MARK_BUFFER);
	alloc(&s, 3, 100, MARK_LOAD); /* read from a file, copied, gone */
	release(&s, 3);
	for (i = 0; i < 3; i++) {
		alloc(&s, 10, 40, MARK_FORWARD);
		alloc(&s, 11, 50, MARK_FORWARD);
		release(&s, 10);
		release(&s, 11);
	}
	EXPECT(&s, AT_PEAK, {CATEGORY_PARAMETERS, 100}, {CATEGORY_BUFFERS, 20},
	       {CATEGORY_TEMPORARIES, 100});
	alloc(&s, 12, 400, MARK_FORWARD);
	EXPECT(&s, AT_PEAK, {CATEGORY_PARAMETERS, 100}, {CATEGORY_BUFFERS, 20},
	       {CATEGORY_ACTIVATIONS, 400});
	/* The model stays what it was when it is gone. */
	release(&s, 1);
	release(&s, 12);
	EXPECT(&s, AT_PEAK, {CATEGORY_PARAMETERS, 100}, {CATEGORY_BUFFERS, 20},
	       {CATEGORY_ACTIVATIONS, 400});
	end(&s);
}

static void test_usage(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, 0);
	event(&s, (struct tensor_event){.what = TENSOR_USAGE, .address = 1, .size = USAGE_WEIGHTS});
	event(&s, (struct tensor_event){.what = TENSOR_BEGIN, .sp = 500, .stage = STAGE_CONTEXT});
	alloc(&s, 2, 30, 0);
	alloc(&s, 3, 20, 0);
	event(&s, (struct tensor_event){.what = TENSOR_USAGE, .address = 3, .size = USAGE_COMPUTE});
	event(&s, (struct tensor_event){.what = TENSOR_USAGE, .address = 99, .size = 1});
	event(&s, (struct tensor_event){.what = TENSOR_END, .sp = 500, .stage = STAGE_CONTEXT});
	EXPECT(&s, AT_END, {CATEGORY_PARAMETERS, 100}, {CATEGORY_CACHE, 30},
	       {CATEGORY_WORKSPACE, 20});
	end(&s);
}

/* ggml's buffers go by addresses of the host, wherever they are; also when events were lost. */
static void test_a_device_by_addresses_of_the_host(void **state)
{
	static const struct tensor_found found[] = {{5, 40, 5}, {9, 7, 9}};
	const uint16_t device = 1 | TENSOR_INDEX_ANY << 8;
	struct tensor_sums *sums;
	uint16_t spaces[4];
	char text[32];
	struct scene s;
	size_t n;

	(void)state;
	begin(&s);
	for (uint64_t address = 5; address <= 7; address++)
		event(&s,
		      (struct tensor_event){
			  .what = TENSOR_ALLOC, .address = address, .size = 40, .device = device});
	event(&s, (struct tensor_event){.what = TENSOR_USAGE, .address = 5, .size = USAGE_WEIGHTS});
	release(&s, 6);
	assert_int_equal(tensors_spaces(s.tensors, spaces, COUNT(spaces)), 1);
	assert_int_equal(spaces[0], 0);
	/* The end of 7 and the birth of 9 were not told. */
	assert_int_equal(tensors_reconcile(s.tensors, 0, found, COUNT(found)), 0);
	assert_int_equal(tensors_spaces(s.tensors, spaces, COUNT(spaces)), 1);
	assert_int_equal(tensors_sums(s.tensors, &sums, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(sums[0].device, device);
	assert_string_equal(tensor_device_text(device, text, sizeof(text)), "cuda");
	assert_int_equal(sums[0].at_end[CATEGORY_PARAMETERS], 40);
	assert_int_equal(sums[0].at_end[CATEGORY_OTHER], 0);
	assert_int_equal(sums[1].device, 0);
	assert_int_equal(sums[1].at_end[CATEGORY_OTHER], 7);
	free(sums);
	end(&s);
}

static void test_own_categories(void **state)
{
	struct scene s;
	uint64_t bytes[TENSOR_CATEGORIES];
	char why[128];

	(void)state;
	assert_int_equal(own_add(&rules, "encoder=Encoder\\.", true, why, sizeof(why)), 0);
	assert_int_equal(own_add(&rules, "tables=embedding.py:7$", false, why, sizeof(why)), 0);
	assert_int_equal(own_marks(&rules, "Encoder.forward", "a.py", 7), MARK_OWN);
	assert_int_equal(own_marks(&rules, "f", "/x/embedding.py", 7), MARK_OWN << 1);
	assert_int_equal(own_marks(&rules, "f", "/x/embedding.py", 77), 0);
	assert_int_equal(own_add(&rules, "x", true, why, sizeof(why)), -EINVAL);
	assert_int_equal(own_add(&rules, "=x", true, why, sizeof(why)), -EINVAL);
	assert_int_equal(own_add(&rules, "x=", true, why, sizeof(why)), -EINVAL);
	assert_int_equal(own_add(&rules, "x=(", true, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "'(' is no regular expression"));
	begin(&s);
	alloc(&s, 1, 100, MARK_OWN << 1 | MARK_FORWARD);
	alloc(&s, 2, 10, MARK_OWN | MARK_FORWARD); /* a stage's */
	alloc(&s, 3, 10, MARK_OWN | MARK_FORWARD);
	alloc(&s, 4, 10, MARK_FORWARD);
	assert_int_equal(tensors_timeline(s.tensors), 0);
	tensors_at(s.tensors, 1, bytes);
	assert_int_equal(bytes[CATEGORY_NR + 1], 100);
	assert_int_equal(bytes[CATEGORY_ACTIVATIONS], 30);
	expect_stages(&s, "load forward (encoder)");
	end(&s);
	own_free(&rules);
	for (int i = 0; i < MARK_OWN_MAX; i++)
		assert_int_equal(own_add(&rules, "a=b", true, why, sizeof(why)), 0);
	assert_int_equal(own_add(&rules, "a=b", true, why, sizeof(why)), -EINVAL);
	own_free(&rules);
}

/* ---- time -------------------------------------------------------------------------- */

static void test_timeline(void **state)
{
	uint64_t bytes[TENSOR_CATEGORIES];
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, MARK_INIT | MARK_NN);
	alloc(&s, 2, 40, MARK_FORWARD);
	s.now_s = 5;
	backward(&s, TENSOR_BEGIN, 1000);
	release(&s, 2);
	backward(&s, TENSOR_END, 1000);
	for (i = 0; i < 2; i++) {
		assert_int_equal(tensors_timeline(s.tensors), 0);
		tensors_at(s.tensors, 3, bytes);
		assert_int_equal(bytes[CATEGORY_ACTIVATIONS], 40);
		assert_int_equal(bytes[CATEGORY_PARAMETERS], 100);
		tensors_at(s.tensors, 6, bytes);
		assert_int_equal(bytes[CATEGORY_ACTIVATIONS], 0);
		assert_int_equal(bytes[CATEGORY_PARAMETERS], 100);
		/* Once more when the intervals have grown, for the time has. */
		s.now_s = 500;
		release(&s, 77);
	}
	end(&s);
}

/* ---- stages --------------------------------------------------------------------------- */

static void test_stages_of_a_training(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, MARK_INIT);
	push(&s, 5000, "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", 0);
	alloc(&s, 10, 7, MARK_DATA | MARK_FORWARD); /* a transform is a module, too */
	pop(&s, 5000);
	push(&s, 6000, "epoch", 0);
	alloc(&s, 11, 40, MARK_FORWARD);
	alloc(&s, 13, 4, 0);
	alloc(&s, 12, 40,
	      MARK_FORWARD);           /* a second model: what the first has made is still there */
	push(&s, 7000, "", MARK_ZERO); /* 1.13 has no names */
	pop(&s, 7000);
	backward(&s, TENSOR_BEGIN, 1000);
	release(&s, 11);
	release(&s, 12);
	backward(&s, TENSOR_END, 1000);
	push(&s, 7000, "", MARK_STEP);
	pop(&s, 7000);
	pop(&s, 6000);
	expect_stages(&s, "load data loading (epoch) forward (zero_grad) backward optimizer step");
	assert_int_equal(tensors_stages(s.tensors)->iteration, 1);
	end(&s);
}

static void add_made(uint64_t stack, enum stage_kind stage, struct made made, void *context)
{
	uint64_t *bytes = context;

	assert_int_not_equal(stack, 0);
	bytes[stage] += made.bytes;
}

/* Bytes that were made in a stage, by whomever. */
static uint64_t made_in(const struct scene *s, enum stage_kind stage)
{
	uint64_t bytes[STAGE_NR] = {0};

	tensors_each_maker(s->tensors, add_made, bytes);
	return bytes[stage];
}

static void test_evaluation(void **state)
{
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	for (i = 0; i < 2; i++) {
		alloc(&s, 10, 7, 0);
		alloc(&s, 11, 40, MARK_FORWARD);
		release(&s, 11);
		alloc(&s, 12, 40, MARK_FORWARD);
		release(&s, 12);
	}
	expect_stages(&s, "load forward forward"); /* there is nothing but that */
	assert_int_equal(made_in(&s, STAGE_LOAD), 7);
	assert_int_equal(made_in(&s, STAGE_FORWARD), 167);
	assert_int_equal(made_in(&s, STAGE_EVALUATION), 0);
	alloc(&s, 10, 7, 0);
	alloc(&s, 11, 40, MARK_FORWARD);
	backward(&s, TENSOR_BEGIN, 1000);
	backward(&s, TENSOR_END, 1000);
	expect_stages(&s, "load evaluation evaluation forward backward");
	assert_int_equal(made_in(&s, STAGE_LOAD), 7);
	assert_int_equal(made_in(&s, STAGE_FORWARD), 40);
	assert_int_equal(made_in(&s, STAGE_EVALUATION), 174);
	end(&s);
}

/* A pass that an exception has left is over when the next one begins. */
static void test_exceptions(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	backward(&s, TENSOR_BEGIN, 1000);
	backward(&s, TENSOR_BEGIN, 900); /* inside */
	assert_int_equal(tensors_stages(s.tensors)->open_windows, 2);
	backward(&s, TENSOR_BEGIN, 1000);
	assert_int_equal(tensors_stages(s.tensors)->open_windows, 1);
	alloc(&s, 1, 10, 0);
	backward(&s, TENSOR_END, 1000);
	backward(&s, TENSOR_END, 1000);
	assert_int_equal(tensors_stages(s.tensors)->open_windows, 0);
	EXPECT(&s, AT_END, {CATEGORY_GRADIENTS, 10});
	/* A range is closed with the one that it is inside of. */
	push(&s, 1, "outer", 0);
	push(&s, 2, "inner", 0);
	pop(&s, 1);
	pop(&s, 2);
	pop(&s, 3);
	expect_stages(&s, "load backward backward (outer) (inner)");
	end(&s);
}

static void call(struct scene *s, enum tensor_what what, enum stage_kind stage, uint64_t sp)
{
	event(s, (struct tensor_event){.what = what, .stage = stage, .sp = sp});
}

/* Calls that are stages: one that jumps to another, one inside another, one that an exception left.
 */
static void test_calls(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	call(&s, TENSOR_BEGIN, STAGE_FORWARD, 500);
	call(&s, TENSOR_BEGIN, STAGE_FORWARD, 500);
	alloc(&s, 1, 10, 0);
	call(&s, TENSOR_END, STAGE_FORWARD, 500);
	assert_int_equal(stages_marks(tensors_stages(s.tensors), 0), 0);
	expect_stages(&s, "load forward");
	call(&s, TENSOR_BEGIN, STAGE_FORWARD, 500);
	call(&s, TENSOR_BEGIN, STAGE_FORWARD, 400);
	call(&s, TENSOR_END, STAGE_FORWARD, 400);
	alloc(&s, 2, 10, 0);
	call(&s, TENSOR_END, STAGE_FORWARD, 500);
	expect_stages(&s, "load forward forward");
	call(&s, TENSOR_BEGIN, STAGE_LOAD, 300);
	call(&s, TENSOR_BEGIN, STAGE_CONTEXT, 500);
	assert_int_equal(stages_marks(tensors_stages(s.tensors), 0), MARK_CACHE);
	call(&s, TENSOR_END, STAGE_CONTEXT, 500);
	assert_int_equal(stages_marks(tensors_stages(s.tensors), 0), 0);
	expect_stages(&s, "load forward forward load context");
	end(&s);
}

static void test_many_stages(void **state)
{
	struct stage_span *spans;
	struct scene s;
	size_t i, count;

	(void)state;
	begin(&s);
	for (i = 0; i < 2 * STAGES_KEPT; i++) {
		push(&s, 1, "again", 0);
		pop(&s, 1);
	}
	assert_int_equal(stages_copy(tensors_stages(s.tensors), s.now_s, 0, &spans, &count), 0);
	assert_true(count <= STAGES_KEPT + 1);
	assert_int_equal(count - 1 + tensors_stages(s.tensors)->dropped, 2 * STAGES_KEPT);
	free(spans);
	end(&s);
}

/* ---- leaks --------------------------------------------------------------------------- */

static void test_leaks(void **state)
{
	const struct leaks *leaks;
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	alloc(&s, 1, 100, MARK_INIT | MARK_NN);
	for (i = 0; i < 6; i++) {
		event(&s, (struct tensor_event){.what = TENSOR_ALLOC,
						.address = 100 + (uint64_t)i,
						.size = 50,
						.stack = 42,
						.marks = MARK_FORWARD});
		iteration(&s, !i);
		release(&s, 2);
		release(&s, 10);
		release(&s, 13);
		leaks = tensors_leaks(s.tensors);
		/* Three iterations that are over, and not the last one. */
		assert_int_equal(leaks->count, i >= LEAK_ITERATIONS);
	}
	assert_int_equal(leaks->items[0].stack, 42);
	assert_int_equal(leaks->items[0].since, 0);
	assert_int_equal(leaks->items[0].iterations, 5);
	assert_int_equal(leaks->items[0].bytes, 250);
	end(&s);
}

/* ---- blocks --------------------------------------------------------------------------- */

static void add_size(const struct tensor_block *block, void *context)
{
	*(uint64_t *)context += block->size;
}

/* The peak is the sum of those that were there, whatever came later. */
static void test_peak(void **state)
{
	struct blocks blocks = {0};
	uint64_t live = 0, peak = 0, sum, i;

	(void)state;
	srand(1);
	for (i = 0; i < 20000; i++) {
		struct tensor_block block = {.address = (uint64_t)rand() % 3000,
					     .size = 1 + i % 77};
		struct tensor_block *old = blocks_find(&blocks, 0, block.address);

		if (old && rand() % 3) {
			live -= old->size;
			blocks_drop(&blocks, blocks_take(&blocks, 0, block.address));
			continue;
		}
		if (old) {
			live -= old->size;
			blocks_drop(&blocks, blocks_take(&blocks, 0, block.address));
		}
		live += block.size;
		assert_non_null(blocks_add(&blocks, &block));
		peak = live > peak ? live : peak;
		assert_int_equal(blocks_device(&blocks, 0)->peak_bytes, peak);
		if (i % 100)
			continue;
		sum = 0;
		blocks_each_at_peak(&blocks, add_size, &sum);
		assert_int_equal(sum, peak);
	}
	blocks_free(&blocks);
}

static void test_shapes(void **state)
{
	struct tensor_shape shape = {.dims = {64, 3, 7, 7}, .ndim = 4, .dtype = 6};
	char text[64];

	(void)state;
	assert_true(tensor_shape_fits(&shape, 64ULL * 3 * 7 * 7 * 4, 0));
	assert_false(tensor_shape_fits(&shape, 64ULL * 3 * 7 * 7 * 8, 0));
	/* 37,632 bytes; a device's allocator gives 37,888. */
	assert_true(tensor_shape_fits(&shape, 37888, 0x0101));
	assert_false(tensor_shape_fits(&shape, 37888, 0));
	assert_false(tensor_shape_fits(&shape, 38400, 0x0101));
	assert_false(tensor_shape_fits(&shape, 37888 - 1, 0x0101));
	assert_false(tensor_shape_fits(&shape, 37376, 0x0101));
	assert_string_equal(tensor_shape_text(&shape, text, sizeof(text)), "float32[64, 3, 7, 7]");
	tensor_shape_text(&shape, text, 10);
	assert_string_equal(text, "float32[6");
	shape.ndim = 0;
	assert_true(tensor_shape_fits(&shape, 4, 0));
	assert_string_equal(tensor_shape_text(&shape, text, sizeof(text)), "float32[]");
	shape.ndim = TENSOR_DIMS + 1;
	assert_false(tensor_shape_fits(&shape, 4, 0));
	assert_string_equal(tensor_shape_text(&shape, text, sizeof(text)), "");
	shape = (struct tensor_shape){.dims = {1ULL << 40, 1ULL << 40}, .ndim = 2, .dtype = 6};
	assert_false(tensor_shape_fits(&shape, 0, 0));
	assert_string_equal(tensor_device_text(0, text, sizeof(text)), "cpu");
	assert_string_equal(tensor_device_text(0x0101, text, sizeof(text)), "cuda:1");
	assert_string_equal(tensor_device_text(0x02ee, text, sizeof(text)), "device 238:2");
}

static void test_marks(void **state)
{
	static const char torch[] = "/usr/lib/python3/dist-packages/torch/";
	char file[128];

	(void)state;
	snprintf(file, sizeof(file), "%snn/modules/module.py", torch);
	assert_int_equal(marks_of_frame("Module._call_impl", file), MARK_FORWARD);
	assert_int_equal(marks_of_frame("_call_impl", file), MARK_FORWARD);
	assert_int_equal(marks_of_frame("_call_impl", "/home/me/nn/modules/module.py"), 0);
	assert_int_equal(marks_of_frame("Linear.__init__", "/home/me/net.py"), MARK_INIT);
	snprintf(file, sizeof(file), "%soptim/adam.py", torch);
	assert_int_equal(marks_of_frame("Adam.step", file), MARK_STEP);
	assert_int_equal(marks_of_frame("Adam.stepper", file), 0);
	assert_int_equal(marks_of_range("Optimizer.step#Adam.step", 0), STAGE_STEP);
	assert_int_equal(marks_of_range("forward", MARK_DATA), STAGE_OWN);
	assert_int_equal(marks_of_range("", MARK_DATA), STAGE_DATA);
	assert_int_equal(marks_of_statement("self.register_buffer('x', torch.zeros(3))\n"),
			 MARK_BUFFER);
	assert_int_equal(marks_of_statement("x = 1\n"), 0);
	/* A class is known from Python 3.11 on. */
	assert_int_equal(marks_of_frame("KVCache.__init__", "/a/model.py"), MARK_INIT | MARK_CACHE);
	assert_int_equal(marks_of_frame("f.<locals>.KVCache.__init__", "/a/model.py"),
			 MARK_INIT | MARK_CACHE);
	assert_int_equal(marks_of_frame("__init__", "/a/model.py"), MARK_INIT);
	assert_int_equal(marks_of_frame("MyKVCache.__init__", "/a/model.py"), MARK_INIT);
	assert_int_equal(marks_of_frame("_allocate_kv_cache", "/x/vllm/worker/cache_engine.py"),
			 MARK_CACHE);
	assert_int_equal(marks_of_statement("self.cache_k = torch.zeros((1, 2))\n"), MARK_CACHE);
	assert_int_equal(marks_of_frame("", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_training),
	    cmocka_unit_test(test_gradients_that_are_there_already),
	    cmocka_unit_test(test_recomputed_activations),
	    cmocka_unit_test(test_inference),
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_a_device_by_addresses_of_the_host),
	    cmocka_unit_test(test_own_categories),
	    cmocka_unit_test(test_timeline),
	    cmocka_unit_test(test_stages_of_a_training),
	    cmocka_unit_test(test_evaluation),
	    cmocka_unit_test(test_exceptions),
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_many_stages),
	    cmocka_unit_test(test_leaks),
	    cmocka_unit_test(test_peak),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
