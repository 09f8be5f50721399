/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program on the double of PyTorch's allocator of host memory: its ledger, as JSON, is what it
 * asked for.  Zero bytes are no block, and no failure.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "c10.h"

#define COUNT 100
#define TOO_MUCH ((size_t)1 << 46)

static uint64_t allocs, alloc_bytes, frees, freed_bytes, live, peak, failed;

static void *take(size_t bytes)
{
	void *ptr = cpu_allocate(bytes);

	if (!ptr) {
		failed += bytes != 0;
		return NULL;
	}
	allocs++;
	alloc_bytes += bytes;
	live += bytes;
	if (live > peak)
		peak = live;
	return ptr;
}

static void give(void *ptr, size_t bytes)
{
	cpu_delete(ptr);
	if (!ptr)
		return;
	frees++;
	freed_bytes += bytes;
	live -= bytes;
}

static void leave(void)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/blocks.%d", getenv("LEDGER"), getpid());
	out = fopen(path, "w");
	if (!out)
		abort();
	fprintf(out,
		"{\"pid\":%d,\"sum\":{\"allocs\":%lu,\"alloc_bytes\":%lu,\"frees\":%lu,"
		"\"freed_bytes\":%lu,\"live\":%lu,\"live_bytes\":%lu,\"peak_bytes\":%lu,"
		"\"failed\":%lu,\"unknown_frees\":0},\"devices\":{},\"blocks\":[]}\n",
		getpid(), allocs, alloc_bytes, frees, freed_bytes, allocs - frees, live, peak,
		failed);
	if (fclose(out))
		abort();
}

int main(void)
{
	void *blocks[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		blocks[i] = take(i * 1000);
	for (size_t i = 0; i < COUNT; i += 2)
		give(blocks[i], i * 1000);
	take(123456);
	if (getenv("FAIL"))
		take(TOO_MUCH);
	leave();
	return 0;
}
