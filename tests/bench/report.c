/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each output of a large report costs:
 *
 *   report [STACKS [DEPTH]]    prints "seconds bytes name" for each
 *
 * The stacks are those of a made-up program: a tree of calls, deep, whose
 * leaves differ most, with names and paths as long as C++ makes them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render/render.h"

#define FUNCTIONS 24000

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static char *text(const char *format, unsigned number)
{
	char *out;

	if (asprintf(&out, format, number) < 0)
		abort();
	return out;
}

static void make_functions(struct frame *functions)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		functions[i] = (struct frame){
		    .function = text("library::part::some_function_%u<float, long>", i),
		    .file = text("/build/library/source/part/file_%u.cpp", i / 10),
		    .module = "/usr/lib/x86_64-linux-gnu/liblibrary.so.1",
		    .line = 10 + i % 1000,
		    .kind = i % 3 ? FRAME_NATIVE : FRAME_PYTHON,
		};
}

/* Frame `depth` of stack `i`: the deeper, the fewer stacks share it. */
static const struct frame *choose(const struct frame *functions, size_t i, size_t depth,
				  size_t frames)
{
	size_t shared = frames - depth, path = i / (shared * shared * shared / 16 + 1);

	return &functions[(path * 2654435761u + depth * 40503u) % FUNCTIONS];
}

static struct snapshot *make_snapshot(const struct frame *functions, size_t stacks, size_t depth)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	s->title = strdup("report");
	s->duration_s = 1;
	s->layer_on[LAYER_HEAP] = true;
	s->processes = calloc(1, sizeof(*s->processes));
	s->process_count = 1;
	s->processes[0].comm = strdup("python3");
	s->stacks = calloc(stacks, sizeof(*s->stacks));
	s->stack_count = stacks;
	for (size_t i = 0; i < stacks; i++) {
		struct stack *stack = &s->stacks[i];

		*stack = (struct stack){.allocs = 3,
					.frees = 1,
					.live = 2,
					.live_bytes = i + 1,
					.alloc_bytes = 3 * i + 9,
					.peak_bytes = 2 * i + 1,
					.frame_count = depth};
		stack->frames = calloc(depth, sizeof(*stack->frames));
		for (size_t j = 0; j < depth; j++)
			stack->frames[j] = *choose(functions, i, j, depth);
		s->processes[0].layers[LAYER_HEAP].peak_bytes += stack->peak_bytes;
	}
	return s;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		render_fn *render;
	} outputs[] = {
	    {"folded", render_folded},
	    {"svg", render_flame},
	    {"json", render_json},
	    {"summary", render_summary},
	};
	static struct frame functions[FUNCTIONS];
	size_t stacks = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	size_t depth = argc > 2 ? strtoul(argv[2], NULL, 10) : 60;
	const struct render_options options = {.metric = METRIC_PEAK};
	struct snapshot *s;

	make_functions(functions);
	s = make_snapshot(functions, stacks, depth);
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		double start = now_s();
		char path[64];
		FILE *f;

		snprintf(path, sizeof(path), "/tmp/report.%d.out", 1);
		output_write(path, outputs[i].render, s, &options);
		start = now_s() - start;
		f = fopen(path, "r");
		fseek(f, 0, SEEK_END);
		printf("%6.3f s %10ld bytes  %s\n", start, ftell(f), outputs[i].name);
		fclose(f);
	}
	return 0;
}
