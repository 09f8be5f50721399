/* SPDX-License-Identifier: GPL-2.0 */
/* What stands out: each sentence is provoked by a snapshot, and not by one that is near to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyse/insights.h"

#define MIB (1ULL << 20)

static struct frame frames[] = {
    {.function = "main", .kind = FRAME_NATIVE},
    {.function = "Net.forward", .file = "/home/me/net.py", .line = 12, .kind = FRAME_PYTHON},
    {.function = "Linear.forward",
     .file = "/usr/lib/python3/torch/nn/linear.py",
     .line = 3,
     .kind = FRAME_PYTHON},
    {.function = "malloc", .kind = FRAME_NATIVE},
};

/* A training of one process: by category, bytes at the peak, before backward, after a step. */
static struct category categories[] = {
    {.device = "cpu", .name = "parameters"},
    {.device = "cpu", .name = "gradients"},
    {.device = "cpu", .name = "activations"},
    {.device = "cpu", .name = "optimizer state"},
};
enum { PARAMETERS, GRADIENTS, ACTIVATIONS, OPTIMIZER, CATEGORIES };

struct scene {
	struct snapshot s;
	struct process processes[3];
	struct stack tensors[1], stacks[1], leak_stacks[1];
	struct tensor_use uses[3];
	struct tensor_leak leaks[1];
	struct resident_part parts[2];
	struct stage stages[1];
	struct allocator allocators[2];
	struct segment_hold holders[1];
	struct stack holder_stacks[1];
	struct device_totals devices[2];
};

static void set(int category, uint64_t peak, uint64_t before, uint64_t after)
{
	categories[category].bytes_at_peak = peak;
	categories[category].bytes_before_backward = before;
	categories[category].bytes_after_step = after;
}

/* Nothing stands out but what the peak consists of. */
static void begin(struct scene *c)
{
	memset(c, 0, sizeof(*c));
	set(PARAMETERS, 100 * MIB, 100 * MIB, 100 * MIB);
	set(GRADIENTS, 90 * MIB, 0, 100 * MIB);
	set(ACTIVATIONS, 50 * MIB, 90 * MIB, 0);
	set(OPTIMIZER, 100 * MIB, 100 * MIB, 100 * MIB);
	c->tensors[0] = (struct stack){.frames = frames,
				       .frame_count = 4,
				       .category = "activations",
				       .shape = "",
				       .at_peak = 2,
				       .peak_bytes = 40 * MIB};
	c->processes[0].layers[LAYER_TENSOR].peak_at_s = 2;
	c->processes[0].parts = c->parts;
	c->processes[0].pid = 10;
	c->uses[0] = (struct tensor_use){.iterations = 11, .step_bytes = 1000 * MIB};
	c->s = (struct snapshot){
	    .processes = c->processes,
	    .process_count = 1,
	    .categories = categories,
	    .category_count = CATEGORIES,
	    .tensors = c->tensors,
	    .tensor_count = 1,
	    .uses = c->uses,
	    .use_count = 1,
	    .leaks = c->leaks,
	    .leak_stacks = c->leak_stacks,
	    .stacks = c->stacks,
	    .stages = c->stages,
	    .allocators = c->allocators,
	    .holders = c->holders,
	    .holder_stacks = c->holder_stacks,
	};
	c->processes[0].devices = c->devices;
}

static const struct insight *find(const struct scene *c, const char *kind)
{
	for (size_t i = 0; i < c->s.insight_count; i++)
		if (!strcmp(c->s.insights[i].kind, kind))
			return &c->s.insights[i];
	return NULL;
}

static void forget(struct scene *c)
{
	for (size_t i = 0; i < c->s.insight_count; i++) {
		free(c->s.insights[i].kind);
		free(c->s.insights[i].text);
	}
	free(c->s.insights);
	c->s.insights = NULL;
	c->s.insight_count = 0;
}

/* It is said, of so many bytes, and with these words. */
static void said(struct scene *c, const char *kind, uint64_t bytes, const char *words)
{
	const struct insight *insight;

	assert_int_equal(insights_find(&c->s), 0);
	insight = find(c, kind);
	if (!insight)
		fail_msg("nothing is said of %s", kind);
	assert_int_equal(insight->bytes, bytes);
	if (!strstr(insight->text, words))
		fail_msg("'%s' is not in: %s", words, insight->text);
	forget(c);
}

static void not_said(struct scene *c, const char *kind)
{
	const struct insight *insight;

	assert_int_equal(insights_find(&c->s), 0);
	insight = find(c, kind);
	if (insight)
		fail_msg("of %s is said: %s", kind, insight->text);
	forget(c);
}

static void test_nothing(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	assert_int_equal(insights_find(&c.s), 0);
	assert_int_equal(c.s.insight_count, 1);
	assert_string_equal(c.s.insights[0].kind, "peak");
	forget(&c);
	c.s.use_count = 0; /* no tensors */
	assert_int_equal(insights_find(&c.s), 0);
	assert_int_equal(c.s.insight_count, 0);
	c.s.process_count = 0;
	assert_int_equal(insights_find(&c.s), 0);
}

static void test_peak(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	said(&c, "peak", 340 * MIB, "2.00 s after the start, is 29 % parameters (100 MiB)");
	c.stages[0] = (struct stage){.name = "backward", .start_s = 1, .end_s = 3, .iteration = 4};
	c.s.stage_count = 1;
	said(&c, "peak", 340 * MIB, "in stage backward of iteration 5");
	/* On two devices: that of one, whose moment is not the process's. */
	categories[OPTIMIZER].device = categories[GRADIENTS].device = "cuda:0";
	set(OPTIMIZER, 120 * MIB, 0, 0);
	said(&c, "peak", 210 * MIB,
	     "the peak of 210 MiB of tensors on cuda:0 is 57 % optimizer state (120 MiB)");
	categories[OPTIMIZER].device = categories[GRADIENTS].device = "cpu";
	for (int i = 0; i < CATEGORIES; i++)
		set(i, 1000, 0, 0);
	not_said(&c, "peak");
}

static void test_activations(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "activations");
	set(ACTIVATIONS, 50 * MIB, 300 * MIB, 0);
	said(&c, "activations", 300 * MIB, "60 % of what lives");
	said(&c, "activations", 300 * MIB, "net.py:12 (Net.forward), 40.0 MiB");
}

static void test_optimizer(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "optimizer");
	set(OPTIMIZER, 0, 0, 200 * MIB);
	said(&c, "optimizer", 200 * MIB, "2.0 times the parameters (100 MiB)");
}

static void test_gradients(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "gradients");
	set(GRADIENTS, 100 * MIB, 100 * MIB, 100 * MIB);
	said(&c, "gradients", 100 * MIB, "zero_grad(set_to_none=True)");
	set(GRADIENTS, 0, 100 * MIB, 100 * MIB); /* no part of the peak */
	not_said(&c, "gradients");
}

static void test_load(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "load");
	c.uses[0].loaded_bytes = 100 * MIB;
	said(&c, "load", 100 * MIB, "load_state_dict(assign=True)");
	c.uses[0].load_end_bytes = 100 * MIB; /* it became the model */
	not_said(&c, "load");
}

static void test_leak(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "leak");
	c.leaks[0] =
	    (struct tensor_leak){.since = 2, .iterations = 8, .blocks = 16, .bytes = 8 * MIB};
	c.leak_stacks[0] = (struct stack){.frames = frames, .frame_count = 4};
	c.s.leak_count = 1;
	said(&c, "leak", 8 * MIB, "1.00 MiB each, since iteration 3");
	said(&c, "leak", 8 * MIB, "net.py:12 (Net.forward)");
	c.leaks[0].bytes = 8 * 100; /* a list of numbers */
	not_said(&c, "leak");
}

static void test_churn(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "churn");
	c.uses[0].step_bytes = 10 * 1100 * MIB;
	said(&c, "churn", 1100 * MIB, "3.2 times the peak of 340 MiB");
	c.uses[0].iterations = 1;
	not_said(&c, "churn");
}

static void test_workers(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	c.s.process_count = 3;
	c.s.use_count = 3;
	for (int i = 1; i < 3; i++) {
		c.processes[i] =
		    (struct process){.pid = 20 + i, .ppid = 10, .rss_peak_bytes = 50 * MIB};
		c.processes[i].layers[LAYER_TENSOR].alloc_bytes = 10 * MIB;
		c.uses[i].process = (size_t)i;
	}
	said(&c, "workers", 100 * MIB, "2 worker processes had up to 100 MiB");
	c.processes[1].ppid = c.processes[2].ppid = 1;
	not_said(&c, "workers");
}

static void test_untouched(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	c.stacks[0] =
	    (struct stack){.frames = frames, .frame_count = 4, .untouched_bytes = 64 * MIB};
	c.s.stack_count = 1;
	said(&c, "untouched", 64 * MIB, "net.py:12");
	c.stacks[0].untouched_bytes = MIB;
	not_said(&c, "untouched");
}

static void test_retained(void **state)
{
	struct scene c;

	(void)state;
	begin(&c);
	c.parts[0] = (struct resident_part){"heap", "live", 100 * MIB};
	c.parts[1] = (struct resident_part){"retained", "held", 60 * MIB};
	c.processes[0].part_count = 2;
	c.processes[0].parts_rss_bytes = 160 * MIB;
	said(&c, "retained", 60 * MIB, "38 % of what is resident");
	c.parts[1].bytes = 20 * MIB;
	not_said(&c, "retained");
}

/* ---- devices ---------------------------------------------------------------------- */

/* 100 MiB, of which blocks hold 40 in segments that are mostly free. */
static void begin_allocator(struct scene *c)
{
	begin(c);
	c->s.allocator_count = 1;
	c->allocators[0] = (struct allocator){
	    .device = "cuda:0",
	    .now = {.reserved_bytes = 100 * MIB, .allocated_bytes = 60 * MIB},
	    .segments_known = true,
	    .held_segments = 5,
	    .stranded_bytes = 40 * MIB,
	    .sparse_segments = 2,
	    .sparse_bytes = 36 * MIB,
	};
	c->s.holder_count = 1;
	c->holder_stacks[0] =
	    (struct stack){.frames = frames, .frame_count = 4, .live = 3, .live_bytes = 4 * MIB};
}

static void test_fragmentation(void **state)
{
	struct scene c;

	(void)state;
	begin_allocator(&c);
	said(&c, "fragmentation", 36 * MIB,
	     "of 100 MiB that the allocator has taken of cuda:0, 36.0 MiB lie free in 2 segments");
	said(&c, "fragmentation", 36 * MIB, "4.00 MiB in 3 blocks that net.py:12 (Net.forward)");
	said(&c, "fragmentation", 36 * MIB, "lie together, and with PYTORCH_CUDA_ALLOC_CONF=");
	/* What is done already is not advised. */
	c.allocators[0].mapped = true;
	assert_int_equal(insights_find(&c.s), 0);
	assert_null(strstr(find(&c, "fragmentation")->text, "expandable_segments"));
	forget(&c);
	c.allocators[0].mapped = false;
	/* The device that has most of it is named. */
	c.s.allocator_count = 2;
	c.allocators[1] = c.allocators[0];
	c.allocators[1].device = "cuda:1";
	c.allocators[1].sparse_bytes = 39 * MIB;
	c.holders[0].allocator = 1;
	said(&c, "fragmentation", 39 * MIB, "of cuda:1");
	/* Another process's. */
	c.allocators[0].process = c.allocators[1].process = 1;
	not_said(&c, "fragmentation");
}

static void test_no_fragmentation(void **state)
{
	struct scene c;

	(void)state;
	begin_allocator(&c);
	c.allocators[0].segments_known = false;
	not_said(&c, "fragmentation");
	begin_allocator(&c);
	c.allocators[0].now.reserved_bytes = 1000 * MIB; /* a small part of it */
	not_said(&c, "fragmentation");
	begin_allocator(&c);
	c.allocators[0].sparse_bytes = 15 * MIB; /* little, and of little */
	c.allocators[0].now.reserved_bytes = 20 * MIB;
	not_said(&c, "fragmentation");
	begin_allocator(&c);
	c.s.holder_count = 0;
	not_said(&c, "fragmentation");
}

static void test_cache(void **state)
{
	struct scene c;

	(void)state;
	begin_allocator(&c);
	c.allocators[0].cached_bytes = 40 * MIB;
	not_said(&c, "cache");
	c.allocators[0].cached_bytes = 600 * MIB;
	c.allocators[0].now.reserved_bytes = 1000 * MIB;
	said(&c, "cache", 600 * MIB, "of 1000 MiB that the allocator has taken of cuda:0, 600 MiB");
	c.allocators[0].now.reserved_bytes = 2000 * MIB; /* most is in use */
	not_said(&c, "cache");
}

/* A machine of 4 GiB, of which a program pins 1.5. */
static void begin_pinned(struct scene *c)
{
	begin(c);
	c->s.ram_bytes = 4096 * MIB;
	c->processes[0].device_count = 2;
	c->devices[0] =
	    (struct device_totals){.name = "host-pinned", .totals = {.peak_bytes = 1536 * MIB}};
	c->devices[1] = (struct device_totals){.name = "host-registered"};
	c->s.stack_count = 1;
	c->stacks[0] = (struct stack){.layer = LAYER_GPU,
				      .device = "host-pinned",
				      .frames = frames,
				      .frame_count = 4,
				      .peak_bytes = 1536 * MIB};
}

static void test_pinned(void **state)
{
	struct scene c;

	(void)state;
	begin_pinned(&c);
	said(&c, "pinned", 1536 * MIB, "38 % of the machine's 4.00 GiB");
	said(&c, "pinned", 1536 * MIB, "net.py:12 (Net.forward)");
	/* Registered memory counts, too. */
	c.devices[0].totals.peak_bytes = 512 * MIB;
	c.devices[1].shared_bytes = 1024 * MIB;
	said(&c, "pinned", 1536 * MIB, "512 MiB of host memory were pinned at most and 1.00 GiB");
	/* A fair part of a small machine, but not of this one. */
	c.s.ram_bytes = 64 * 1024 * MIB;
	not_said(&c, "pinned");
	/* Memory of a device is none of it. */
	begin_pinned(&c);
	c.devices[0].name = c.stacks[0].device = "cuda:0";
	not_said(&c, "pinned");
	begin_pinned(&c);
	c.s.ram_bytes = 0; /* not known */
	not_said(&c, "pinned");
}

static void test_pinned_by_loader(void **state)
{
	struct frame loader[] = {
	    {.function = "_pin_memory_loop", .file = "/x/pin_memory.py", .kind = FRAME_PYTHON},
	    {.function = "cuMemHostAlloc", .kind = FRAME_NATIVE},
	};
	struct scene c;

	(void)state;
	begin_pinned(&c);
	c.s.ram_bytes = 64 * 1024 * MIB;
	c.stacks[0].frames = loader;
	c.stacks[0].frame_count = 2;
	said(&c, "pinned", 1536 * MIB, "by the data loader's pin_memory thread, 100 %");
	/* A small part of what is pinned, and what is pinned no part of the machine. */
	c.stacks[0].peak_bytes = 100 * MIB;
	not_said(&c, "pinned");
	c.devices[0].totals.peak_bytes = c.stacks[0].peak_bytes = 8 * MIB;
	not_said(&c, "pinned");
}

static struct frame segment_frames[] = {
    {.function = "main", .kind = FRAME_NATIVE},
    {.function = "cudaMalloc", .module = "/opt/torch/lib/libc10_cuda.so", .kind = FRAME_NATIVE},
    {.function = "cuMemAlloc_v2", .module = "/usr/lib/libcuda.so.1", .kind = FRAME_NATIVE},
};
static struct frame library_frames[] = {
    {.function = "main", .kind = FRAME_NATIVE},
    {.function = "ncclCommInitRank", .module = "/usr/lib/libnccl.so.2", .kind = FRAME_NATIVE},
    {.function = "cuMemAlloc_v2", .module = "/usr/lib/libcuda.so.1", .kind = FRAME_NATIVE},
};

static struct stack on_device(const char *device, struct frame *frames_of, uint64_t bytes)
{
	return (struct stack){.layer = LAYER_GPU,
			      .device = device,
			      .frames = frames_of,
			      .frame_count = 3,
			      .live_bytes = bytes};
}

static void test_outside(void **state)
{
	struct stack stacks[4];
	struct device_totals devices[3] = {
	    {.name = "cuda:0"}, {.name = "cuda:1"}, {.name = "host-pinned"}};
	struct scene c;

	(void)state;
	begin(&c);
	not_said(&c, "outside"); /* no GPU */
	stacks[0] = on_device("cuda:0", segment_frames, 600 * MIB);
	stacks[1] = on_device("host-pinned", library_frames, 900 * MIB); /* the host's */
	stacks[2] = on_device("cuda:1", library_frames, 900 * MIB);      /* no segment is there */
	stacks[3] = on_device("cuda:0", library_frames, 60 * MIB);
	c.processes[0].devices = devices;
	c.processes[0].device_count = 3;
	c.s.stacks = stacks;
	c.s.stack_count = 4;
	not_said(&c, "outside"); /* 9 % of 660 MiB */
	stacks[3].live_bytes = 100 * MIB;
	said(&c, "outside", 100 * MIB, "of 700 MiB on cuda:0, 100 MiB (14 %)");
	said(&c, "outside", 100 * MIB, "and an unknown number that no call shows");
	devices[0].driver_known = devices[0].driver_compared = true;
	devices[0].driver_counted_bytes = 700 * MIB;
	devices[0].driver_bytes = 1000 * MIB;
	said(&c, "outside", 400 * MIB, "(40 %) are outside of PyTorch's allocator");
	said(&c, "outside", 400 * MIB, "100 MiB by calls of others");
	said(&c, "outside", 400 * MIB, "300 MiB that no call shows: the context");
	devices[0].driver_bytes = 100 * MIB; /* the driver says less: nothing is made of it */
	said(&c, "outside", 100 * MIB, "0 B that no call shows");
	stacks[0].frames = library_frames; /* no framework */
	not_said(&c, "outside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing),     cmocka_unit_test(test_peak),
	    cmocka_unit_test(test_activations), cmocka_unit_test(test_optimizer),
	    cmocka_unit_test(test_gradients),   cmocka_unit_test(test_load),
	    cmocka_unit_test(test_leak),        cmocka_unit_test(test_churn),
	    cmocka_unit_test(test_workers),     cmocka_unit_test(test_untouched),
	    cmocka_unit_test(test_retained),    cmocka_unit_test(test_fragmentation),
	    cmocka_unit_test(test_cache),       cmocka_unit_test(test_no_fragmentation),
	    cmocka_unit_test(test_pinned),      cmocka_unit_test(test_pinned_by_loader),
	    cmocka_unit_test(test_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
