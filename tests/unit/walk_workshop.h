/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk of the BPF programs, compiled for user space: the helpers and maps that it asks, on a
 * recorded stack, and programs to record.
 */
#ifndef MS_WALK_WORKSHOP_H
#define MS_WALK_WORKSHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "memsnoop.h"
#define WALK_FUNCTION static
#include "stack.bpf.h"
#include "walk_record.h"

static struct record record;
static struct ms_mappings table;
static struct task_state thread;
static struct task_struct task;
static struct memo known[1 << MS_MEMO_BITS];
static struct recents own;
static bool has_own; /* the map has room for the thread's */

/* ---- the helpers --------------------------------------------------------- */

long bpf_probe_read_user(void *to, uint32_t size, const void *from)
{
	uint64_t at = (uint64_t)(uintptr_t)from - record.stack;

	/* Code is not recorded: follows_call() passes what it cannot read. */
	if (at >= record.stack_size || size > record.stack_size - at)
		return -EFAULT;
	memcpy(to, record.bytes + at, size);
	return 0;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	uint32_t index = *(const uint32_t *)key;
	const struct unwind_table *file = map;

	if (map == &mappings)
		return &table;
	if (map == &recents)
		return has_own ? &own : NULL;
	if (map == &memos) {
		assert_in_range(index, 0, (1 << MS_MEMO_BITS) - 1);
		return &known[index];
	}
	if (map == &pieces || map == &pythons)
		return NULL; /* Python's part has a test of its own: python_walk_test.c */
	if (map == &unwind_tables)
		return index < RECORD_FILES && record.tables[index].block_count
			   ? &record.tables[index]
			   : NULL;
	assert_true(file >= record.tables && file < record.tables + RECORD_FILES);
	return index < file->block_count ? (char *)file->blocks + (size_t)index * MS_UNWIND_BLOCK
					 : NULL;
}

long bpf_map_update_elem(void *map, const void *key, const void *value, uint64_t flags)
{
	(void)key;
	(void)value;
	(void)flags;
	if (map == &recents && has_own)
		own = (struct recents){0}; /* all that is ever put there */
	else
		assert_true(map == &pieces || map == &recents);
	return 0;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	return &task;
}

uint64_t bpf_get_current_pid_tgid(void)
{
	return 1;
}

void *bpf_ringbuf_reserve(void *map, uint64_t size, uint64_t flags)
{
	(void)map;
	(void)size;
	(void)flags;
	return NULL;
}

void bpf_ringbuf_submit(void *event, uint64_t flags)
{
	(void)event;
	(void)flags;
}

uint64_t bpf_get_current_task(void)
{
	return (uint64_t)(uintptr_t)&task;
}

/* ---- the walk ------------------------------------------------------------ */

/* The record's mappings; the module is the mapping's number + 1, the offset its address. */
static void table_make(void)
{
	static uint32_t generation;
	struct ms_mappings before = table;

	table = (struct ms_mappings){.generation = generation};
	for (size_t i = 0; i < record.maps.count && i < RECORD_FILES; i++) {
		const struct mapping *m = &record.maps.items[i];

		if (m->end <= MS_ADDRESS_MAX)
			table.map[table.nr++] =
			    (struct ms_mapping){m->start, m->end, m->offset, i + 1, i + 1};
	}
	if (memcmp(&table, &before, sizeof(table)) != 0)
		table.generation = ++generation;
}

static void walk(void)
{
	const struct position at = {record.regs.rip, record.regs.rsp, record.regs.rbp,
				    record.regs.rbx, 1};

	walk_start(&thread.walk, &at);
	assert_int_equal(stack_take(&thread, 1, 0), 1);
}

static uint64_t frame_address(uint64_t frame)
{
	const struct mapping *m;

	if (!MS_FRAME_MODULE(frame))
		return MS_FRAME_OFFSET(frame);
	m = &record.maps.items[MS_FRAME_MODULE(frame) - 1];
	return MS_FRAME_OFFSET(frame) - m->offset + m->start;
}

static void print_frames(void)
{
	for (size_t i = 0; i < record.frame_count || i < thread.stack.nr; i++) {
		uint64_t ours = i < thread.stack.nr ? frame_address(thread.stack.frames[i]) : 0;
		uint64_t theirs = i < record.frame_count ? record.frames[i] : 0;
		const struct mapping *m = mappings_find(&record.maps, theirs ? theirs : ours);

		print_error("%3zu libdw %12llx  ours %12llx  %s\n", i, (unsigned long long)theirs,
			    (unsigned long long)ours, m ? m->path : "?");
	}
}

/*
 * libdw's frames are ours, for as far as it gets: it stops at code without
 * .eh_frame, where the walk may go on by frame pointers.
 */
static size_t check_walk(void)
{
	size_t n = record.frame_count < MS_STACK_DEPTH ? record.frame_count : MS_STACK_DEPTH;
	bool same = thread.stack.nr >= n;

	/* A frame is its instruction, or for a call the one before where it returns. */
	for (size_t i = 0; i < n && same; i++)
		same = record.frames[i] - frame_address(thread.stack.frames[i]) <= 1;
	if (!same) {
		print_frames();
		fail_msg("the walk differs (it ended with %u)", thread.walk.end);
	}
	return n;
}

/* ---- programs to record -------------------------------------------------- */

static void stop_here(void)
{
	kill(getpid(), SIGSTOP);
}

static int stop_and_compare(const void *a, const void *b)
{
	stop_here();
	return *(const int *)a - *(const int *)b;
}

static void __attribute__((noinline)) in_qsort(void)
{
	int numbers[] = {3, 1, 2};

	qsort(numbers, 3, sizeof(int), stop_and_compare);
	asm volatile("" ::: "memory");
}

static void on_signal(int signal)
{
	(void)signal;
	in_qsort();
}

static void __attribute__((noinline)) in_signal(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	asm volatile("" ::: "memory");
}

static void __attribute__((noinline)) in_big_frame(size_t n)
{
	volatile char *area = __builtin_alloca(n);
	char __attribute__((aligned(64))) aligned[64];

	area[n / 2] = 1;
	asm volatile("" ::"r"(aligned) : "memory");
	in_signal();
	area[0] = area[n / 2];
}

static void mixed(void)
{
	in_big_frame(1000);
}

static void python(void)
{
	execl("/usr/bin/python3", "python3", "-c",
	      "import json, re\n"
	      "while 1: json.loads(json.dumps([re.sub('a+', lambda m: 'b', 'aab') for i in "
	      "range(9)]))",
	      NULL);
	_exit(127);
}

static pid_t child_start(void (*fn)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves it */
		fn();
		_exit(0);
	}
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Waits until the child has stopped itself, then takes it over. */
static void child_seize(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_ATTACH, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* A Python that runs, and can be stopped. */
static pid_t python_seize(void)
{
	pid_t pid = child_start(python);

	usleep(300000);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	return pid;
}

/* Stops it somewhere, records it, and lets it go on; `i`: each time somewhere else. */
static void record_anywhere(pid_t pid, unsigned i)
{
	int status;

	usleep(1000 + 137 * i);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(record_take(&record, pid), 0);
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	table_make();
}

static void check_program(void (*fn)(void), size_t least)
{
	pid_t pid = child_start(fn);

	child_seize(pid);
	assert_int_equal(record_take(&record, pid), 0);
	child_end(pid);
	table_make();
	walk();
	assert_true(check_walk() >= least);
}

#endif
