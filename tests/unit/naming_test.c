/* SPDX-License-Identifier: GPL-2.0 */
/* From the kernel side's stacks to frames with names: order, and how little is looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/frames.h"
#include "render/frameset.h"

#define STACKS 20000
#define DEPTH 60
#define DIFFERENT 5000 /* frames, all in one module */

struct bench {
	struct probe_row row;
	struct probe_table table;
	struct frames_source source;
	struct stack_set set;
	struct naming *naming;
};

static void bench_open(struct bench *b)
{
	*b = (struct bench){.row = {.symbol = "_Znwm"}};
	b->table = (struct probe_table){.rows = &b->row, .count = 1};
	b->source.table = &b->table;
	b->source.modules = modules_new(&b->table);
	b->source.symbols = symbols_new();
	b->source.jit = jit_new(b->source.symbols);
	assert_non_null(b->source.modules);
	assert_non_null(b->source.jit);
}

static void bench_close(struct bench *b)
{
	naming_free(b->naming);
	stack_set_free(&b->set);
	jit_free(b->source.jit);
	symbols_free(b->source.symbols);
	modules_free((struct modules *)b->source.modules);
}

static void add(struct bench *b, uint64_t hash, const uint64_t *frames, uint32_t nr, int end)
{
	struct ms_stack stack = {.nr = nr, .end = (uint16_t)end};

	memcpy(stack.frames, frames, nr * sizeof(*frames));
	assert_int_equal(stack_set_add(&b->set, hash, &stack), 0);
}

static void reads(struct bench *b, const struct image *image, uint64_t hash, const char *wanted)
{
	char text[1024] = "";
	struct stack stack = {0};
	size_t i;

	assert_int_equal(frames_of(b->naming, image, hash, &stack), 0);
	for (i = 0; i < stack.frame_count; i++) {
		strcat(text, i ? ";" : "");
		strcat(text, stack.frames[i].function);
	}
	assert_string_equal(text, wanted);
	assert_int_equal(stack.end_text != NULL,
			 *wanted == '[' && stack.frames[0].kind == FRAME_NOTE);
	assert_non_null(stack.end);
	free(stack.frames);
}

static void from_the_root(void **state)
{
	const uint64_t call = MS_FRAME(1, MS_FRAME_ROW | 0), bad = MS_FRAME(1, MS_FRAME_ROW | 9);
	const uint64_t one[] = {call, MS_FRAME(1, 0x10), MS_FRAME(2, 0x20)};
	const uint64_t two[] = {bad, MS_FRAME(2, 0x20)};
	struct bench b;

	(void)state;
	bench_open(&b);
	symbols_add_module(b.source.symbols, 1, -1, "/lib/one.so");
	symbols_add_module(b.source.symbols, 2, -1, "/lib/two.so");
	add(&b, 11, one, 3, MS_END_ROOT);
	add(&b, 12, two, 2, MS_END_TRUNCATED);
	add(&b, 13, one, 0, MS_END_ROOT);
	add(&b, 15, two, 2, MS_END_NO_ROWS);
	assert_int_equal(naming_new(&b.source, &b.set, &b.naming), 0);
	reads(&b, NULL, 11, "[two.so+0x20];[one.so+0x10];operator new");
	reads(&b, NULL, 12,
	      "[unwinding stopped: deeper than the limit of frames];[two.so+0x20];"
	      "[unknown call]");
	reads(&b, NULL, 15,
	      "[unwinding stopped: no unwind rows for unknown code];[two.so+0x20];[unknown call]");
	reads(&b, NULL, 13, "");
	reads(&b, NULL, 14, "[stack lost]");
	reads(&b, NULL, MS_STACK_OTHER, "[stack table full]");
	assert_int_equal(naming_count(b.naming), 4);
	bench_close(&b);
}

/* Code in no file: one address is two things in two processes. */
static void by_process(void **state)
{
	static const uint64_t frames[] = {0x7f0000001000};
	struct image one = {.id = 1, .jit = {.tmp = -1, .cwd = -1, .map = -1, .dump = -1}};
	struct image two = {.id = 2, .jit = {.tmp = -1, .cwd = -1, .map = -1, .dump = -1}};
	struct image child = {.id = 3, .jit = one.jit, .parent = &two};
	struct ms_mappings *table = calloc(1, sizeof(*table));
	FILE *map = tmpfile();
	struct bench b;
	int i;

	(void)state;
	assert_non_null(table);
	assert_non_null(map);
	bench_open(&b);
	symbols_add_module(b.source.symbols, 5, -1, "/lib/late.so");
	table->nr = 1;
	table->map[0] = (struct ms_mapping){0x7f0000000000, 0x7f0000002000, 0x100, 5, 0};
	one.table = table;
	fputs("7f0000001000 10 compiled\n", map);
	fflush(map);
	two.jit.map = fileno(map);
	add(&b, 11, frames, 1, MS_END_ROOT);
	assert_int_equal(naming_new(&b.source, &b.set, &b.naming), 0);
	assert_int_equal(naming_count(b.naming), 0);
	jit_begin(b.source.jit);
	for (i = 0; i < 3; i++) {
		reads(&b, &one, 11, "[late.so+0x1100]");
		reads(&b, &two, 11, "compiled");
		reads(&b, &child, 11, "compiled");
		reads(&b, NULL, 11, "[0x7f0000001000]");
	}
	assert_int_equal(naming_count(b.naming), 4);
	bench_close(&b);
	fclose(map);
	free(table);
}

/* Names below are remarks (MS_STACK_REMARKS). */
#define FIRST 1000

/* A report of 1.2 million frames: each different one is named once, its texts are read once. */
static void each_once(void **state)
{
	struct stack *stacks = calloc(STACKS, sizeof(*stacks));
	uint64_t i, j, frames[DEPTH];
	struct frameset set;
	struct bench b;

	(void)state;
	assert_non_null(stacks);
	bench_open(&b);
	for (i = 0; i < STACKS; i++) {
		for (j = 0; j < DEPTH; j++)
			frames[j] = MS_FRAME(1, (i * (j % 7) + j * j) % DIFFERENT);
		add(&b, FIRST + i, frames, DEPTH, MS_END_ROOT);
	}
	assert_int_equal(b.set.frame_count, DIFFERENT);
	assert_int_equal(b.set.place_count, STACKS * DEPTH);
	assert_int_equal(naming_new(&b.source, &b.set, &b.naming), 0);
	assert_int_equal(naming_count(b.naming), DIFFERENT);
	assert_int_equal(frameset_init(&set, true), 0);
	for (i = 0; i < STACKS; i++) {
		assert_int_equal(frames_of(b.naming, NULL, FIRST + i, &stacks[i]), 0);
		assert_int_equal(stacks[i].frame_count, DEPTH);
		for (j = 0; j < DEPTH; j++)
			assert_true(frameset_add(&set, &stacks[i].frames[j]) < DIFFERENT);
	}
	assert_int_equal(naming_count(b.naming), DIFFERENT);
	assert_int_equal(set.count, DIFFERENT);
	assert_int_equal(set.compared, DIFFERENT);
	frameset_free(&set);
	for (i = 0; i < STACKS; i++)
		free(stacks[i].frames);
	free(stacks);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(from_the_root),
	    cmocka_unit_test(by_process),
	    cmocka_unit_test(each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
