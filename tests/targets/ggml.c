/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model as llama.cpp runs one, with functions of ggml's names and meanings: weights, a
 * cache of keys and values, a compute buffer, and what a call allocates for itself.  Its own
 * ledger goes to $LEDGER/ggml.json; the program ends with what it has.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WEIGHTS_BYTES 3000000
#define CACHE_BYTES 700000
#define COMPUTE_BYTES 500000
#define SCRATCH_BYTES 100000
#define WEIGHTS 3
#define CALLS 5

enum { USAGE_WEIGHTS = 1, USAGE_COMPUTE = 2 };

struct buffer {
	void *data;
	size_t size;
};

struct model {
	struct buffer *weights[WEIGHTS];
	struct buffer *cache, *compute;
};

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

struct buffer *ggml_backend_buft_alloc_buffer(void *type, size_t size)
{
	struct buffer *b = malloc(sizeof(*b));

	(void)type;
	if (!b)
		abort();
	/* The same layer: it is a part of the call. */
	*b = (struct buffer){ggml_aligned_malloc(size), size};
	return b;
}

void ggml_backend_buffer_free(struct buffer *b)
{
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
	int i;

	for (i = 0; i < WEIGHTS; i++) {
		m->weights[i] = ggml_backend_buft_alloc_buffer(NULL, WEIGHTS_BYTES);
		ggml_backend_buffer_set_usage(m->weights[i], USAGE_WEIGHTS);
	}
}

void llama_init_from_model(struct model *m)
{
	m->cache = ggml_backend_buft_alloc_buffer(NULL, CACHE_BYTES);
	m->compute = ggml_backend_buft_alloc_buffer(NULL, COMPUTE_BYTES);
	ggml_backend_buffer_set_usage(m->compute, USAGE_COMPUTE);
}

void llama_decode(struct model *m)
{
	void *scratch = ggml_aligned_malloc(SCRATCH_BYTES);

	(void)m;
	ggml_aligned_free(scratch, SCRATCH_BYTES);
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
		llama_decode(&m);
	snprintf(path, sizeof(path), "%s/ggml.json", directory ? directory : ".");
	f = fopen(path, "w");
	if (!f)
		return 1;
	fprintf(f,
		"{\"parameters\":%d,\"KV cache\":%d,\"workspace\":%d,\"scratch\":%d,\"allocs\":%d,"
		"\"calls\":%d}\n",
		WEIGHTS * WEIGHTS_BYTES, CACHE_BYTES, COMPUTE_BYTES, SCRATCH_BYTES,
		WEIGHTS + 2 + CALLS, CALLS);
	if (fclose(f))
		return 1;
	_exit(0);
}
