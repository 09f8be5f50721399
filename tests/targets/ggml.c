/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model as llama.cpp runs one, with functions of ggml's names and meanings: weights, some of
 * them mapped from a file and handed over, some on a device, a cache of keys and values, a compute
 * buffer, and what a call allocates for itself.  The device's buffers are made by another library,
 * ggml_device.c, some of them of the host's memory.  Its own ledger goes to $LEDGER/ggml.json; the
 * program ends with what it has.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ggml.h"

#define WEIGHTS_BYTES 3000000
#define MAPPED_BYTES 1700000
#define DEVICE_BYTES 2300000
#define PINNED_BYTES 110000
#define GONE_BYTES 90000 /* less than what a call takes: it is not the peak */
#define CACHE_BYTES 700000
#define COMPUTE_BYTES 500000
#define OUTPUT_BYTES 40000
#define SCRATCH_BYTES 100000
#define WEIGHTS 3
#define CALLS 5

enum { USAGE_WEIGHTS = 1, USAGE_COMPUTE = 2 };

struct model {
	struct buffer *weights[WEIGHTS], *mapped, *device, *pinned;
	struct buffer *cache, *compute, *output;
};

static char file[MAPPED_BYTES]; /* as if mapped from one */

void *ggml_aligned_malloc(size_t size)
{
	void *block;

	return posix_memalign(&block, 64, size) ? NULL : block;
}

void ggml_aligned_free(void *block, size_t size)
{
	(void)size;
	free(block);
}

struct buffer *ggml_backend_cpu_buffer_from_ptr(void *data, size_t size)
{
	struct buffer *b = malloc(sizeof(*b));

	if (!b)
		abort();
	*b = (struct buffer){data, size};
	return b;
}

static struct buffer *host_alloc(struct buffer_type *type, size_t size)
{
	struct buffer *b = malloc(sizeof(*b));

	(void)type;
	if (!b)
		abort();
	/* The same layer: it is a part of the call. */
	*b = (struct buffer){ggml_aligned_malloc(size), size};
	return b;
}

static struct buffer_type host = {NULL, host_alloc};

struct buffer *ggml_backend_buft_alloc_buffer(struct buffer_type *type, size_t size)
{
	return type->alloc_buffer(type, size);
}

struct buffer *ggml_backend_dev_buffer_from_host_ptr(void *device, void *data, size_t size)
{
	(void)device;
	return ggml_backend_cpu_buffer_from_ptr(data, size);
}

void ggml_backend_buffer_free(struct buffer *b)
{
	if (b->data != file)
		ggml_aligned_free(b->data, b->size);
	free(b);
}

void ggml_backend_buffer_set_usage(struct buffer *b, int usage)
{
	(void)b;
	__asm__ volatile("" ::"r"(usage));
}

void llama_model_load_from_file(struct model *m)
{
	struct buffer *gone;
	int i;

	for (i = 0; i < WEIGHTS; i++) {
		m->weights[i] = ggml_backend_buft_alloc_buffer(&host, WEIGHTS_BYTES);
		ggml_backend_buffer_set_usage(m->weights[i], USAGE_WEIGHTS);
	}
	m->mapped = ggml_backend_dev_buffer_from_host_ptr(NULL, file, MAPPED_BYTES);
	ggml_backend_buffer_set_usage(m->mapped, USAGE_WEIGHTS);
	m->device = ggml_backend_buft_alloc_buffer(&ggml_device_type, DEVICE_BYTES);
	ggml_backend_buffer_set_usage(m->device, USAGE_WEIGHTS);
	m->pinned = ggml_backend_buft_alloc_buffer(&ggml_device_host_type, PINNED_BYTES);
	ggml_backend_buffer_set_usage(m->pinned, USAGE_WEIGHTS);
	gone = ggml_backend_buft_alloc_buffer(&ggml_device_type, GONE_BYTES);
	ggml_backend_buffer_free(gone);
}

/* llama.cpp has it in C++: llama_context::output_reserve(unsigned) */
struct buffer *output_reserve(void) __asm__("_ZN13llama_context14output_reserveEj");
struct buffer *output_reserve(void)
{
	return ggml_backend_buft_alloc_buffer(&host, OUTPUT_BYTES);
}

void llama_init_from_model(struct model *m)
{
	m->cache = ggml_backend_buft_alloc_buffer(&ggml_device_type, CACHE_BYTES);
	m->compute = ggml_backend_buft_alloc_buffer(&host, COMPUTE_BYTES);
	ggml_backend_buffer_set_usage(m->compute, USAGE_COMPUTE);
	m->output = output_reserve();
}

static void run(void)
{
	void *scratch = ggml_aligned_malloc(SCRATCH_BYTES);

	ggml_aligned_free(scratch, SCRATCH_BYTES);
}

void llama_decode(void)
{
	run();
}

/* The one that has taken its place. */
void llama_process(void)
{
	run();
}

int main(void)
{
	const char *directory = getenv("LEDGER");
	struct model m;
	char path[512];
	FILE *f;
	int i;

	llama_model_load_from_file(&m);
	llama_init_from_model(&m);
	for (i = 0; i < CALLS; i++)
		if (i % 2)
			llama_process();
		else
			llama_decode();
	snprintf(path, sizeof(path), "%s/ggml.json", directory ? directory : ".");
	f = fopen(path, "w");
	if (!f)
		return 1;
	fprintf(f,
		"{\"cpu parameters\":%d,\"cuda parameters\":%d,\"cuda KV cache\":%d,"
		"\"cpu workspace\":%d,\"mapped\":%d,\"context\":%d,\"all\":%d,\"scratch\":%d,"
		"\"allocs\":%d,\"calls\":%d}\n",
		WEIGHTS * WEIGHTS_BYTES + MAPPED_BYTES + PINNED_BYTES, DEVICE_BYTES, CACHE_BYTES,
		COMPUTE_BYTES + OUTPUT_BYTES, MAPPED_BYTES,
		CACHE_BYTES + COMPUTE_BYTES + OUTPUT_BYTES,
		WEIGHTS * WEIGHTS_BYTES + MAPPED_BYTES + DEVICE_BYTES + PINNED_BYTES + CACHE_BYTES +
		    COMPUTE_BYTES + OUTPUT_BYTES,
		SCRATCH_BYTES, WEIGHTS + 4 + 3 + CALLS, CALLS);
	if (fclose(f))
		return 1;
	_exit(0);
}
