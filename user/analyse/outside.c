/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A framework's allocator takes segments from the driver and gives out parts of them.  A
 * segment is known by its stack, which leads through the allocator.
 */
#include "analyse/outside.h"

#include <string.h>

/* By the file that the allocator alone is in, or by its function. */
static const struct {
	const char *framework, *file, *function;
} allocators[] = {
    {"PyTorch", "libc10_cuda.so", NULL},
    {"PyTorch", "libc10_hip.so", NULL},
    {"PyTorch", "libc10_xpu.so", NULL},
    {"TensorFlow", NULL, "BFCAllocator::Extend"},
};

static bool is_in_file(const struct frame *frame, const char *file)
{
	const char *slash = frame->module ? strrchr(frame->module, '/') : NULL;
	const char *name = slash ? slash + 1 : frame->module;

	return name && !strncmp(name, file, strlen(file));
}

/* Whose segment it is; NULL: none's. */
static const char *framework_of(const struct stack *stack)
{
	for (size_t i = 0; i < stack->frame_count; i++) {
		const struct frame *frame = &stack->frames[i];

		for (size_t j = 0; j < sizeof(allocators) / sizeof(allocators[0]); j++)
			if (allocators[j].file
				? is_in_file(frame, allocators[j].file)
				: strstr(frame->function, allocators[j].function) != NULL)
				return allocators[j].framework;
	}
	return NULL;
}

static bool is_of(const struct stack *stack, size_t process, const char *device)
{
	return stack->process == process && stack->layer == LAYER_GPU && stack->device &&
	       (!device || !strcmp(stack->device, device));
}

/* Adds one device, if the framework has segments on it; how much of it is outside. */
static uint64_t add_device(const struct snapshot *s, size_t process,
			   const struct device_totals *device, struct outside *out)
{
	const struct stack *most = NULL;
	uint64_t reserved = 0, others = 0;

	for (size_t i = 0; i < s->stack_count; i++) {
		const struct stack *stack = &s->stacks[i];
		const char *framework;

		if (!stack->live_bytes || !is_of(stack, process, device->name))
			continue;
		framework = framework_of(stack);
		if (framework) {
			out->framework = framework;
			reserved += stack->live_bytes;
			continue;
		}
		others += stack->live_bytes;
		if (!most || stack->live_bytes > most->live_bytes)
			most = stack;
	}
	if (!reserved)
		return 0;
	out->reserved_bytes += reserved;
	out->others_bytes += others;
	out->unseen_bytes += snapshot_other(device);
	out->driver_known &= device->driver_compared;
	if (most && (!out->stack || most->live_bytes > out->stack->live_bytes))
		out->stack = most;
	return others + snapshot_other(device) + reserved;
}

/* What lies in the host's memory is no device's, whoever asked for it. */
static bool is_device(const struct device_totals *device)
{
	return strchr(device->name, ':') != NULL;
}

bool outside_find(const struct snapshot *s, size_t process, struct outside *out)
{
	const struct process *p = &s->processes[process];
	uint64_t largest = 0;

	*out = (struct outside){.driver_known = true};
	for (size_t i = 0; i < p->device_count; i++) {
		uint64_t bytes =
		    is_device(&p->devices[i]) ? add_device(s, process, &p->devices[i], out) : 0;

		if (bytes > largest) {
			largest = bytes;
			out->device = p->devices[i].name;
		}
	}
	return out->reserved_bytes != 0;
}
