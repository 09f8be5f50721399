/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CUDA runtime, as a library or linked in: each of its calls is one of the driver's, and
 * counts once.
 *
 *   cuda_runtime         on the doubles' two devices
 *   cuda_runtime card    on one
 */
#include "cuda.h"
#include "tally.h"

#define HUGE (1ULL << 40)

static void *take(const char *device, size_t size)
{
	void *ptr = 0;

	tally_made(device, cudaMalloc(&ptr, size), size);
	return ptr;
}

static void work(const char *device)
{
	void *a = take(device, 1 << 20), *b = take(device, 5000), *c;
	size_t pitch;

	tally_freed(device, cudaFree(a), 1 << 20);
	tally_expect(cudaFree(a), CUDA_ERROR_INVALID_VALUE, "a second free");
	take(device, HUGE);
	tally_made(device, cudaMallocPitch(&c, &pitch, 100, 3), 512 * 3);
	tally_freed(device, cudaFree(c), 512 * 3);
	tally_made(device, cudaMallocAsync(&c, 9999, 0), 9999);
	tally_freed(device, cudaFreeAsync(c, 0), 9999);
	tally_made(MANAGED, cudaMallocManaged(&c, 8888, 1), 8888);
	tally_freed(MANAGED, cudaFree(c), 8888);
	tally_made(PINNED, cudaMallocHost(&c, 7777), 7777);
	tally_freed(PINNED, cudaFreeHost(c), 7777);
	tally_freed(device, cudaFree(b), 5000);
	take(device, 333);
}

int main(int argc, char **argv)
{
	int is_card = argc > 1 && argv[1][0] == 'c';
	const char *last = is_card ? CUDA0 : CUDA1;

	tally_expect(cudaFree(0), 0, "the usual beginning");
	work(CUDA0);
	if (!is_card) {
		tally_expect(cudaSetDevice(1), 0, "another device");
		work(CUDA1);
	}
	tally_expect(cudaDeviceReset(), 0, "reset");
	tally_freed(last, 0, 333);
	take(last, 4444);
	tally_write("cuda");
	return 0;
}
