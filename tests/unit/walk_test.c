/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk of the BPF programs, compiled for user space, on recorded stacks:
 * its frames are those of libdw's unwinder; and on stacks that were spoilt it
 * ends, within its bounds.
 */
#include "walk_workshop.h"

static struct uprobe_task utask;

static void __attribute__((noinline)) recurse(int depth)
{
	if (!depth)
		stop_here();
	else
		recurse(depth - 1);
	asm volatile("" ::: "memory"); /* no jump, no loop */
}

static void deep(void)
{
	recurse(300);
}

/* ---- tests --------------------------------------------------------------- */

static void test_signal_alloca_qsort(void **state)
{
	(void)state;
	check_program(mixed, 12);
	assert_int_equal(thread.walk.end, MS_END_ROOT);
	assert_int_equal(thread.walk.by_pointer, 0);
	record_free(&record);
}

static void test_deep_recursion(void **state)
{
	(void)state;
	check_program(deep, MS_STACK_DEPTH);
	assert_int_equal(thread.walk.end, MS_END_TRUNCATED);
	record_free(&record);
}

/* Stopped at any instruction: prologues, epilogues, PLT entries. */
static void test_python_anywhere(void **state)
{
	pid_t pid = python_seize();
	size_t frames = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++) {
		record_anywhere(pid, i);
		walk();
		frames += check_walk();
		record_free(&record);
	}
	child_end(pid);
	assert_true(frames > 40 * 8);
}

/* What another thread was in the midst of writing is not taken for what is known. */
static void test_torn_memo(void **state)
{
	pid_t pid = child_start(mixed);
	size_t i, nr;

	(void)state;
	child_seize(pid);
	assert_int_equal(record_take(&record, pid), 0);
	child_end(pid);
	table_make();
	thread.memo_lookups = thread.memo_hits = 0;
	walk();
	nr = check_walk();
	walk();
	assert_in_range(thread.memo_hits, nr - 1, thread.memo_lookups);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		switch (i % 4) {
		case 0:
			known[i].frame++;
			break;
		case 1:
			known[i].rule.cfa_offset += 8;
			break;
		case 2:
			known[i].reason++;
			break;
		default:
			known[i].address ^= 1;
		}
	thread.memo_hits = 0;
	walk();
	assert_int_equal(check_walk(), nr);
	assert_int_equal(thread.memo_hits, 0);
	record_free(&record);
}

/* What a return probe put in a return slot is looked up in the thread's list. */
static void test_return_probes(void **state)
{
	struct return_instance open[2] = {{0}};
	uint64_t *slot[2] = {NULL, NULL}, want[2];
	size_t i, n = 0;

	(void)state;
	check_program(mixed, 12);
	/* The slots of the 3rd and the 7th frame's return addresses. */
	for (i = 0; i < record.stack_size / 8 && n < 2; i++) {
		uint64_t *word = (uint64_t *)record.bytes + i;

		if (*word == record.frames[n ? 8 : 3])
			slot[n++] = word;
	}
	assert_int_equal(n, 2);
	for (i = 0; i < 2; i++) {
		want[i] = *slot[i];
		open[i].stack = record.stack + (size_t)((unsigned char *)slot[i] - record.bytes);
		open[i].orig_ret_vaddr = want[i];
		open[i].next = i ? NULL : &open[1];
		*slot[i] = 0x7ffffffff000; /* the trampoline */
	}
	walk();
	assert_true(thread.stack.nr < record.frame_count);
	utask.return_instances = open;
	task.utask = &utask;
	walk();
	check_walk();
	assert_int_equal(thread.walk.end, MS_END_ROOT);
	task.utask = NULL;
	record_free(&record);
}

/* A stack of nonsense ends the walk; the sanitizers watch what it reads. */
static void test_spoilt_stacks(void **state)
{
	unsigned char *good;
	int round;

	(void)state;
	check_program(mixed, 12);
	good = malloc(record.stack_size);
	assert_non_null(good);
	memcpy(good, record.bytes, record.stack_size);
	srandom(3);
	for (round = 0; round < 20000; round++) {
		struct user_regs_struct regs = record.regs;
		int i, spots = 1 + random() % 16;

		for (i = 0; i < spots; i++) {
			uint64_t *word =
			    (uint64_t *)record.bytes +
			    (uint64_t)random() % (random() % 2 ? 64 : record.stack_size / 8);

			*word = random() % 3 ? record.stack + (uint64_t)random() % record.stack_size
					     : (uint64_t)random() << 33 ^ (uint64_t)random();
		}
		if (random() % 2)
			record.regs.rbp = record.stack + (uint64_t)random() % record.stack_size;
		if (random() % 8 == 0)
			record.regs.rsp = record.stack + (uint64_t)random() % record.stack_size;
		if (random() % 8 == 0)
			record.regs.rip = (uint64_t)random() << 16;
		walk();
		assert_in_range(thread.stack.nr, 1, MS_STACK_DEPTH + 1);
		assert_in_range(thread.walk.end, 0, MS_END_NR - 1);
		memcpy(record.bytes, good, record.stack_size);
		record.regs = regs;
	}
	walk();
	check_walk();
	free(good);
	record_free(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signal_alloca_qsort), cmocka_unit_test(test_deep_recursion),
	    cmocka_unit_test(test_torn_memo),           cmocka_unit_test(test_python_anywhere),
	    cmocka_unit_test(test_return_probes),       cmocka_unit_test(test_spoilt_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
