/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver has of a process beyond its calls: contexts.
 *
 *   cuda_driver           blocks and a context on each of two devices
 *   cuda_driver bare      a context on the second device, and nothing in it
 *   cuda_driver less      an array, of which the double's driver has nothing
 *   cuda_driver attach    says `ready` with a block held, waits for a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "tally.h"

#define MIB (1ULL << 20)

static CUdeviceptr take(const char *device, uint64_t size)
{
	CUdeviceptr ptr = 0;

	tally_made(device, cuMemAlloc_v2(&ptr, size), size);
	return ptr;
}

static void fill(const char *device, uint64_t size)
{
	CUdeviceptr gone;
	void *host;

	take(device, size);
	gone = take(device, 500 * MIB);
	tally_freed(device, cuMemFree_v2(gone), 500 * MIB);
	take(device, 12345);
	/* Of the host's memory the driver has nothing. */
	tally_made(PINNED, cuMemHostAlloc(&host, 7 * MIB, 0), 7 * MIB);
}

static void make_less(void)
{
	CUDA_ARRAY_DESCRIPTOR desc = {16384, 16384, 0x20, 4};
	CUarray array;

	tally_made(CUDA0, cuArrayCreate_v2(&array, &desc), 16384ULL * 16384 * 16);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	CUcontext first, second;
	char word[8];

	tally_expect(cuInit(0), 0, "init");
	tally_expect(cuCtxCreate_v2(&first, 0, 0), 0, "a context");
	if (!strcmp(mode, "attach")) {
		take(CUDA0, 33 * MIB);
		tally_signal("ready");
		if (!fgets(word, sizeof(word), stdin))
			exit(1);
		tally_reset();
	}
	fill(CUDA0, 64 * MIB);
	if (!strcmp(mode, "less"))
		make_less();
	if (strcmp(mode, "attach") != 0 && strcmp(mode, "less") != 0) {
		tally_expect(cuCtxCreate_v2(&second, 0, 1), 0, "a context of the other device");
		if (strcmp(mode, "bare") != 0)
			fill(CUDA1, 32 * MIB);
	}
	tally_write("cuda");
	tally_signal("done");
	/* With -p: what comes after this line is not for the test. */
	if (!strcmp(mode, "attach") && !fgets(word, sizeof(word), stdin))
		exit(1);
	return 0;
}
