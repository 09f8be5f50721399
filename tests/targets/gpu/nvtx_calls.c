/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A training that names what it does by NVTX: ranges, one in another, of two threads, of names that
 * are read and that are not.  What it allocates in them has the name of ggml's functions.
 */
#include <pthread.h>
#include <stdlib.h>

#include "nvtx.h"

#define EPOCHS 2
#define BATCHES 3
#define BATCH_BYTES 50000
#define OPTIMIZER_BYTES 200000

void *ggml_aligned_malloc(size_t size);
void ggml_aligned_free(void *block, size_t size);

void *ggml_aligned_malloc(size_t size)
{
	return malloc(size);
}

void ggml_aligned_free(void *block, size_t size)
{
	(void)size;
	free(block);
}

static void allocate(size_t size)
{
	void *block = ggml_aligned_malloc(size);

	if (!block)
		abort();
	*(volatile char *)block = 1;
	ggml_aligned_free(block, size);
}

static void batch(void)
{
	nvtxEventAttributes_t unread = {.version = 2, .messageType = 1, .message = "unread"};

	nvtxRangePushA("batch");
	/* Their ends are not those of `batch`. */
	nvtxRangePushEx(&unread);
	nvtxRangePop();
	nvtxRangePushW(L"unread");
	nvtxRangePop();
	allocate(BATCH_BYTES);
	nvtxRangePop();
}

static void *prefetch(void *unused)
{
	(void)unused;
	nvtxRangePushA("prefetch");
	allocate(1000);
	nvtxRangePop();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	nvtxRangePop(); /* of none */
	for (int i = 0; i < EPOCHS; i++) {
		nvtxRangePushA("epoch");
		for (int j = 0; j < BATCHES; j++)
			batch();
		/* Another thread's ranges end none of this one's. */
		if (pthread_create(&thread, NULL, prefetch, NULL))
			return 1;
		pthread_join(thread, NULL);
		nvtxRangePushA("update");
		allocate(OPTIMIZER_BYTES);
		nvtxRangePop();
		nvtxRangePop();
	}
	return 0;
}
