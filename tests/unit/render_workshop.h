/* SPDX-License-Identifier: GPL-2.0 */
/* Snapshots to render, made by hand, and what reads the result. */
#ifndef RENDER_WORKSHOP_H
#define RENDER_WORKSHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "render/render.h"

/* Not every test uses every tool. */
#define WORKSHOP __attribute__((unused, noinline)) static

/* ---- a snapshot ------------------------------------------------------------- */

WORKSHOP struct snapshot *snapshot_make(const char *title, double duration_s)
{
	static const struct loss losses[] = {
	    {"events", "process events dropped", 0},
	    {"stacks_full", "allocations without a stack", 0},
	};
	struct snapshot *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->title = title ? strdup(title) : NULL;
	s->duration_s = duration_s;
	s->layer_on[LAYER_HEAP] = s->layer_on[LAYER_RSS] = true;
	s->losses = malloc(sizeof(losses));
	assert_non_null(s->losses);
	memcpy(s->losses, losses, sizeof(losses));
	s->loss_count = sizeof(losses) / sizeof(losses[0]);
	return s;
}

/* `array` with room for one more element than `count`: it doubles, as realloc may copy. */
WORKSHOP void *grown(void *array, size_t count, size_t size)
{
	if (!(count & (count - 1)))
		array = realloc(array, (count ? 2 * count : 1) * size);
	assert_non_null(array);
	return array;
}

WORKSHOP struct process *snapshot_add_process(struct snapshot *s, int pid, const char *comm)
{
	struct process *p;

	s->processes = grown(s->processes, s->process_count, sizeof(*s->processes));
	p = &s->processes[s->process_count++];
	*p = (struct process){.id = (unsigned)s->process_count, .pid = pid, .ppid = 1};
	p->comm = strdup(comm);
	return p;
}

/*
 * A stack of process `process` with the frames that `path` names, from the
 * root: "main;parse;malloc".  The strings must outlive the snapshot.  Its
 * numbers go into the process's totals, which so add up.
 */
WORKSHOP struct stack *snapshot_add_stack(struct snapshot *s, size_t process, enum layer layer,
					  const char *const *path, size_t count, uint64_t bytes)
{
	struct layer_totals *t = &s->processes[process].layers[layer];
	struct stack *stack;

	s->stacks = grown(s->stacks, s->stack_count, sizeof(*s->stacks));
	stack = &s->stacks[s->stack_count++];
	*stack = (struct stack){
	    .process = process,
	    .layer = layer,
	    .frames = calloc(count + 1, sizeof(*stack->frames)),
	    .frame_count = count,
	    .allocs = 2,
	    .alloc_bytes = 2 * bytes,
	    .frees = 1,
	    .freed_bytes = bytes,
	    .live = 1,
	    .live_bytes = bytes,
	    .peak_bytes = bytes,
	    .end = "root",
	};
	assert_non_null(stack->frames);
	for (size_t i = 0; i < count; i++)
		stack->frames[i].function = path[i];
	t->allocs += 2;
	t->alloc_bytes += 2 * bytes;
	t->frees++;
	t->freed_bytes += bytes;
	t->live++;
	t->live_bytes += bytes;
	t->peak_bytes += bytes;
	return stack;
}

#define ADD_STACK(s, process, layer, bytes, ...)                                                   \
	snapshot_add_stack(s, process, layer, (const char *const[]){__VA_ARGS__},                  \
			   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *),      \
			   bytes)

WORKSHOP struct point *snapshot_add_point(struct snapshot *s, double t_s, size_t process,
					  uint64_t rss, uint64_t heap)
{
	struct point *p;

	s->points = grown(s->points, s->point_count, sizeof(*s->points));
	p = &s->points[s->point_count++];
	*p = (struct point){.t_s = t_s, .process = process, .rss_bytes = rss};
	p->layer_bytes[LAYER_HEAP] = heap;
	return p;
}

/* What --slab gives: the kernel as one process, two layers, no resident memory. */
WORKSHOP struct snapshot *snapshot_kernel(void)
{
	struct snapshot *s = snapshot_make("kernel memory", 2);
	struct stack *stack;
	struct point *point;

	s->layer_on[LAYER_HEAP] = s->layer_on[LAYER_RSS] = false;
	s->layer_on[LAYER_SLAB] = s->layer_on[LAYER_PAGES] = true;
	snapshot_add_process(s, 0, "kernel");
	stack = ADD_STACK(s, 0, LAYER_SLAB, 100, "do_msgsnd", "load_msg", "kmalloc 128");
	for (size_t i = 0; i < stack->frame_count; i++)
		stack->frames[i].kind = FRAME_KERNEL;
	stack->rounding_bytes = 28;
	ADD_STACK(s, 0, LAYER_PAGES, 4096, "pipe_write", "alloc_pages order 0");
	s->processes[0].layers[LAYER_SLAB].rounding_bytes = 28;
	s->processes[0].layers[LAYER_SLAB].unknown_frees = 7;
	s->processes[0].layers[LAYER_PAGES].unknown_frees = 8;
	point = snapshot_add_point(s, 0.5, 0, 0, 0);
	point->layer_bytes[LAYER_SLAB] = 100;
	point->layer_bytes[LAYER_PAGES] = 4096;
	return s;
}

/* Names that try to break out of every format, all in one snapshot. */
#define HOSTILE_CLOSE "</title></g><script>alert(1)</script>"
#define HOSTILE_CDATA "]]><x y=\"z\">&amp;&undefined;"
#define HOSTILE_LINE "semi;colon\nnew line\ttab"
#define HOSTILE_ESC "esc\033[31m\033]0;title\a"
#define HOSTILE_BYTES "bytes\xff\xfe\xc0\xaf\xed\xa0\x80\xef\xbf\xbf"

WORKSHOP struct snapshot *snapshot_hostile(void)
{
	struct snapshot *s = snapshot_make(HOSTILE_CLOSE HOSTILE_ESC HOSTILE_BYTES, 1.5);
	struct process *p = snapshot_add_process(s, 7, HOSTILE_CDATA);
	struct stack *stack;

	p->cmdline = strdup(HOSTILE_BYTES HOSTILE_ESC);
	p->container = strdup(HOSTILE_CLOSE);
	stack = ADD_STACK(s, 0, LAYER_HEAP, 1000000, HOSTILE_CLOSE, HOSTILE_CDATA, HOSTILE_LINE,
			  HOSTILE_ESC, HOSTILE_BYTES);
	for (size_t i = 0; i < stack->frame_count; i++) {
		stack->frames[i].file = HOSTILE_CDATA "/" HOSTILE_ESC;
		stack->frames[i].module = HOSTILE_BYTES "/" HOSTILE_CLOSE;
		stack->frames[i].line = 3;
	}
	snapshot_add_process(s, 8, HOSTILE_ESC HOSTILE_LINE)->end_s = 1;
	ADD_STACK(s, 1, LAYER_HEAP, 500000, HOSTILE_BYTES HOSTILE_CLOSE);
	snapshot_add_point(s, 0.1, 0, 5000, 1000);
	snapshot_add_point(s, 0.5, 1, 7000, 500000);
	s->stages = calloc(1, sizeof(*s->stages));
	assert_non_null(s->stages);
	s->stages[s->stage_count++] =
	    (struct stage){.name = strdup(HOSTILE_CLOSE HOSTILE_ESC), .start_s = 0.2, .end_s = 1.2};
	s->notes = calloc(1, sizeof(*s->notes));
	assert_non_null(s->notes);
	s->notes[s->note_count++] = strdup(HOSTILE_ESC HOSTILE_BYTES);
	return s;
}

/* ---- the result ---------------------------------------------------------------- */

/* What `render` writes; to be freed. */
WORKSHOP char *rendered(render_fn *render, const struct snapshot *s, const struct render_options *o)
{
	static const struct render_options none;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(render(out, s, o ? o : &none), 0);
	fclose(out);
	/* no NUL inside */
	assert_int_equal(strlen(text), length);
	return text;
}

/* Not strstr(): under a sanitizer each call measures all that follows. */
WORKSHOP size_t occurrences(const char *text, const char *part)
{
	size_t count = 0, length = strlen(part);

	for (; *text; text++)
		count += *text == *part && !strncmp(text, part, length);
	return count;
}

WORKSHOP void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%.3000s", part, text);
}

WORKSHOP void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%.3000s", part, text);
}

/* Valid UTF-8 in which only line feeds are below a blank. */
WORKSHOP void assert_harmless(const char *text)
{
	const char *start = text;
	int32_t code;

	while ((code = utf8_next(&text)) != 0)
		if (code == UTF8_INVALID || (utf8_is_unsafe(code) && code != '\n'))
			fail_msg("unsafe byte %zd: %.60s", text - start - 1, text - 1);
}

#endif
