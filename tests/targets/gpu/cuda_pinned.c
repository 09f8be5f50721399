/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that pins host memory.
 *
 *   cuda_pinned half      half of the machine's, and registers a little
 *   cuda_pinned little    1 MiB
 *   cuda_pinned loader    256 MiB, as a data loader's thread does
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cuda.h"
#include "tally.h"

#define MIB (1ULL << 20)

static void pin(uint64_t bytes)
{
	void *ptr;

	tally_made(PINNED, cuMemHostAlloc(&ptr, bytes, 0), bytes);
}

static void pin_half(void)
{
	static char page[4096];

	pin((uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2);
	tally_shared(REGISTERED, cuMemHostRegister_v2(page, sizeof(page), 0), sizeof(page));
}

/* As the function of torch/utils/data/_utils/pin_memory.py is called. */
static void _pin_memory_loop(void)
{
	for (int i = 0; i < 4; i++)
		pin(64 * MIB);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	CUcontext ctx;

	tally_expect(cuInit(0) || cuCtxCreate_v2(&ctx, 0, 0), 0, "a context");
	if (!strcmp(how, "half"))
		pin_half();
	else if (!strcmp(how, "loader"))
		_pin_memory_loop();
	else
		pin(MIB);
	tally_write("cuda");
	return 0;
}
