/* SPDX-License-Identifier: GPL-2.0 */
/* Events of the gpu layer, as the kernel side would tell them, for tests. */
#ifndef GPU_WORKSHOP_H
#define GPU_WORKSHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/layer.h"
#include "peak.h"
#include "probe/table.h"

#define THREAD 7
#define STACK 0x1234
#define OTHER_STACK 0x5678

static struct gpu *gpu;
static uint64_t clock_ns;
static struct gpu_failure failure;

static const struct probe_row *row_of(const char *symbol)
{
	for (size_t i = 0; i < probe_gpu_count; i++)
		if (!strcmp(probe_gpu_rows[i].symbol, symbol))
			return &probe_gpu_rows[i];
	fail_msg("no row for %s", symbol);
	return NULL;
}

static void tell(const char *symbol, const struct ms_gpu_event *event)
{
	const struct probe_row *row = row_of(symbol);
	struct ms_gpu_event e = *event;

	e.time_ns = ++clock_ns;
	if (!e.tid)
		e.tid = THREAD;
	if (!e.stack)
		e.stack = STACK;
	assert_int_equal(gpu_apply(gpu, &row->spec, &row->gpu, &e, &failure), 0);
}

/* TELL("cuMemAlloc_v2", .out = 0x1000, .argument = {0, 64}) */
#define TELL(symbol, ...) tell(symbol, &(struct ms_gpu_event){__VA_ARGS__})

/* A call that frees: its beginning, and its end. */
static void tell_free(const char *symbol, struct ms_gpu_event event)
{
	event.begins = 1;
	tell(symbol, &event);
	event.begins = 0;
	tell(symbol, &event);
}

#define TELL_FREE(symbol, ...) tell_free(symbol, (struct ms_gpu_event){__VA_ARGS__})

static const struct gpu_device *device_of(const char *name)
{
	const struct gpu_books *b = gpu_books(gpu);
	char known[32];

	for (size_t i = 0; i < b->device_count; i++) {
		gpu_device_name(b->devices[i].device, known, sizeof(known));
		if (!strcmp(name, known))
			return &b->devices[i];
	}
	fail_msg("no device %s", name);
	return NULL;
}

static int64_t live_bytes(void)
{
	return gpu_books(gpu)->totals.live_bytes;
}

static uint64_t live(void)
{
	return gpu_books(gpu)->totals.allocs - gpu_books(gpu)->totals.frees;
}

static struct gpu_counts counts_now(void)
{
	struct gpu_counts counts;

	gpu_counts(gpu, &counts);
	return counts;
}

/* The sums that hold at any time: over stacks, over devices; the shares of the peak. */
static void check_sums(void)
{
	const struct gpu_books *b = gpu_books(gpu);
	struct ms_totals stacks = {0}, devices = {0};
	int64_t shares = 0;

	for (size_t i = 0; i < b->stack_count; i++) {
		stacks.allocs += b->stacks[i].totals.allocs;
		stacks.frees += b->stacks[i].totals.frees;
		stacks.alloc_bytes += b->stacks[i].totals.alloc_bytes;
		stacks.freed_bytes += b->stacks[i].totals.freed_bytes;
		stacks.live_bytes += b->stacks[i].totals.live_bytes;
		shares += peak_share(&b->totals, &b->stacks[i].totals);
	}
	for (size_t i = 0; i < b->device_count; i++) {
		devices.allocs += b->devices[i].totals.allocs;
		devices.frees += b->devices[i].totals.frees;
		devices.live_bytes += b->devices[i].totals.live_bytes;
		assert_true(b->devices[i].totals.peak_bytes >= b->devices[i].totals.live_bytes);
	}
	assert_int_equal(stacks.allocs, b->totals.allocs);
	assert_int_equal(stacks.frees, b->totals.frees);
	assert_int_equal(stacks.alloc_bytes, b->totals.alloc_bytes);
	assert_int_equal(stacks.freed_bytes, b->totals.freed_bytes);
	assert_int_equal(stacks.live_bytes, b->totals.live_bytes);
	assert_int_equal(b->totals.alloc_bytes - b->totals.freed_bytes, b->totals.live_bytes);
	assert_int_equal(devices.allocs, b->totals.allocs);
	assert_int_equal(devices.frees, b->totals.frees);
	assert_int_equal(devices.live_bytes, b->totals.live_bytes);
	assert_int_equal(shares, b->totals.peak_bytes);
}

static int gpu_setup(void **state)
{
	(void)state;
	clock_ns = 0;
	gpu = gpu_new(true);
	return gpu ? 0 : -1;
}

static int gpu_teardown(void **state)
{
	(void)state;
	check_sums();
	gpu_free(gpu);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gpu_setup, gpu_teardown)

#endif
