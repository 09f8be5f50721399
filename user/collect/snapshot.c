/* SPDX-License-Identifier: GPL-2.0 */
/* Names of what a snapshot holds, and its end. */
#include "collect/snapshot.h"

#include <stdlib.h>

const char *const layer_names[LAYER_NR] = {
    [LAYER_HEAP] = "heap", [LAYER_TENSOR] = "tensor", [LAYER_GPU] = "gpu",     [LAYER_VM] = "vm",
    [LAYER_RSS] = "rss",   [LAYER_SLAB] = "slab",     [LAYER_PAGES] = "pages",
};

const char *const metric_names[METRIC_NR] = {
    [METRIC_PEAK] = "peak",
    [METRIC_LIVE] = "live",
    [METRIC_ALLOC] = "alloc",
    [METRIC_COUNT] = "count",
};

const char *const frame_kind_names[] = {
    [FRAME_NATIVE] = "native", [FRAME_PYTHON] = "python", [FRAME_JIT] = "jit",
    [FRAME_KERNEL] = "kernel", [FRAME_NOTE] = "note",     [FRAME_CATEGORY] = "category",
    [FRAME_SHAPE] = "shape",
};

uint64_t snapshot_other(const struct device_totals *d)
{
	return d->driver_compared && d->driver_bytes > d->driver_counted_bytes
		   ? d->driver_bytes - d->driver_counted_bytes
		   : 0;
}

uint64_t snapshot_metric(const struct stack *stack, enum metric metric)
{
	switch (metric) {
	case METRIC_PEAK:
		return stack->peak_bytes;
	case METRIC_LIVE:
		return stack->live_bytes;
	case METRIC_ALLOC:
		return stack->alloc_bytes;
	case METRIC_COUNT:
		return stack->allocs;
	case METRIC_NR:
		break;
	}
	return 0;
}

static void free_processes(struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++) {
		free(s->processes[i].comm);
		free(s->processes[i].cmdline);
		free(s->processes[i].container);
		free(s->processes[i].parts);
		free(s->processes[i].devices);
	}
	free(s->processes);
}

/* What analyse/ added. */
static void free_analysis(struct snapshot *s)
{
	for (size_t i = 0; i < s->stage_count; i++)
		free(s->stages[i].name);
	free(s->stages);
	for (size_t i = 0; i < s->category_count; i++) {
		free(s->categories[i].device);
		free(s->categories[i].name);
	}
	free(s->categories);
	for (size_t i = 0; i < s->category_point_count; i++)
		free(s->category_points[i].bytes);
	free(s->category_points);
	free(s->category_names);
	for (size_t i = 0; i < s->insight_count; i++) {
		free(s->insights[i].kind);
		free(s->insights[i].text);
	}
	free(s->insights);
}

static void free_stacks(struct stack *stacks, size_t count)
{
	/* the frames' strings are shared, and the symboliser's */
	for (size_t i = 0; i < count; i++)
		free(stacks[i].frames);
	free(stacks);
}

static void free_shortage(struct snapshot *s)
{
	for (size_t i = 0; i < s->victim_count; i++) {
		free_stacks(s->victims[i].stacks, s->victims[i].stack_count);
		free(s->victims[i].cgroup);
	}
	free(s->victims);
	free_stacks(s->failures, s->failure_count);
	for (size_t i = 0; i < s->limit_count; i++)
		free(s->limits[i].cgroup);
	free(s->limits);
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	free_processes(s);
	free_analysis(s);
	free_stacks(s->tensors, s->tensor_count);
	free_stacks(s->leak_stacks, s->leak_count);
	free(s->leaks);
	free_stacks(s->maker_stacks, s->maker_count);
	free(s->makers);
	free_stacks(s->holder_stacks, s->holder_count);
	free(s->holders);
	free(s->allocators);
	free(s->uses);
	free_shortage(s);
	free_stacks(s->stacks, s->stack_count);
	free(s->points);
	free(s->losses);
	for (size_t i = 0; i < s->note_count; i++)
		free(s->notes[i]);
	free(s->notes);
	free(s->title);
	free(s);
}
