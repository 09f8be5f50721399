/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What slab.bpf.c and user/slab/ agree on, besides memsnoop.h: kernel memory is
 * accounted as the memory of one image, in two layers of its own.
 */
#ifndef MS_SLAB_CONTRACT_H
#define MS_SLAB_CONTRACT_H

#include "memsnoop.h"

#define SLAB_IMAGE 1

/* Layers of the image.  Slabs are made of pages: they are never summed. */
enum slab_layer {
	SLAB_OBJECTS, /* kmalloc and kmem_cache; sizes are those asked for */
	SLAB_PAGES,   /* the page allocator; the key of a block is its struct page */
	SLAB_LAYER_NR,
};

/*
 * Frames of a kept stack are the kernel's addresses as they are.  The innermost one is
 * none: it says what was called, and what each of its blocks takes.
 */
enum slab_call {
	SLAB_KMALLOC = 1, /* value: bytes of a block */
	SLAB_CACHE,       /* value: number of the cache, 0 if there was none left */
	SLAB_CACHE_SIZE,  /* value: bytes of a block; before 6.0 the cache is not told */
	SLAB_PAGE_ORDER,  /* value: a block is 2^value pages */
};
#define SLAB_FRAME(call, value) MS_FRAME(call, value)
#define SLAB_FRAME_CALL(frame) MS_FRAME_MODULE(frame)
#define SLAB_FRAME_VALUE(frame) MS_FRAME_OFFSET(frame)

/* Numbers of caches, from 1 on; a machine has a few hundred. */
#define SLAB_CACHES_MAX 4096
#define SLAB_NAME_LEN 32

struct slab_cache {
	char name[SLAB_NAME_LEN];
	__u32 object_size; /* what is asked for */
	__u32 size;        /* what it takes */
};

/*
 * How the running kernel's tracepoints give sizes: before 6.0; with the cache before
 * them, 6.0 (commit b347aa7b5747); 6.1 (commit 2c1d697fb8ba).
 */
enum slab_arguments {
	SLAB_ARGS_SIZES,       /* site, address, wanted, taken */
	SLAB_ARGS_CACHE_SIZES, /* site, address, cache, wanted, taken */
	SLAB_ARGS_CACHE,       /* site, address, cache: of kmem_cache_alloc */
};

#endif
