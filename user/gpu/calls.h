/* SPDX-License-Identifier: GPL-2.0 */
/* What a function of the gpu layer does: the words of its rows in the probe table. */
#ifndef MS_GPU_CALLS_H
#define MS_GPU_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* What a call that has succeeded means; the row's kind says when it counts. */
enum gpu_what {
	GPU_BLOCK,  /* a block is there, or, of kind free, has one reference less */
	GPU_RETAIN, /* a block has one reference more */
	GPU_PART,   /* an object that is part of the block of_arg, which stays while it does */
	GPU_MAP, /* addresses [ptr, ptr + size) lead to the block of_arg, which stays while they do
		  */
	GPU_UNMAP,   /* they do no longer */
	GPU_HANDLE,  /* a handle, one reference more, of what the address of_arg leads to */
	GPU_NODE,    /* a graph's node; words: of which type, and what that needs */
	GPU_LIST,    /* frees size_arg blocks, the first of which are told as words */
	GPU_POOL,    /* a pool of the device of_arg, or as the words say */
	GPU_DEVICES, /* words: the devices, `value` of them, in their order */
	GPU_CONTEXT, /* a context is made, of the device of_arg, and is current */
	GPU_CONTEXT_PUSH,
	GPU_CONTEXT_POP,
	GPU_CONTEXT_SET,
	GPU_CONTEXT_DEVICE, /* tells the device of the current context */
	GPU_CONTEXT_END,
	GPU_PRIMARY, /* the context of the device of_arg that all share has one reference more */
	GPU_PRIMARY_RELEASE,
	GPU_PRIMARY_RESET,
};

/* Whose addresses or handles those are: the same number in two spaces is two blocks. */
enum gpu_space {
	GPU_SPACE_USER, /* of --probe */
	GPU_SPACE_CUDA, /* addresses: all kinds that cuMemFree_v2() and others free */
	GPU_SPACE_CUDA_HOST,
	GPU_SPACE_CUDA_PHYSICAL,
	GPU_SPACE_CUDA_MAP,
	GPU_SPACE_CUDA_ARRAY,
	GPU_SPACE_CUDA_MIPMAP,
	GPU_SPACE_CUDA_EXTERNAL,
	GPU_SPACE_HSA,
	GPU_SPACE_HSA_HOST,
	GPU_SPACE_HSA_PHYSICAL,
	GPU_SPACE_HSA_MAP,
	GPU_SPACE_ZE,
	GPU_SPACE_ZE_PHYSICAL,
	GPU_SPACE_ZE_MAP,
	GPU_SPACE_ZE_IMAGE,
	GPU_SPACE_CL_OBJECT,
	GPU_SPACE_CL_SVM,
};

/* Which memory it is: X(id, name), a %u in the name being the device's number. */
#define GPU_PLACES(X)                                                                              \
	X(USER, "gpu")                                                                             \
	X(CUDA, "cuda:%u")                                                                         \
	X(PINNED, "host-pinned")         /* host memory that the driver has allocated */           \
	X(REGISTERED, "host-registered") /* host memory that was there */                          \
	X(MANAGED, "managed")            /* wherever it is touched */                              \
	X(IMPORTED, "imported")          /* another's, by a handle */                              \
	X(MULTICAST, "multicast")        /* addresses that lead to the memory of several */        \
	X(HSA_POOL, "hsa-pool:%u")                                                                 \
	X(ZE, "ze:%u")                                                                             \
	X(OPENCL, "opencl")

enum gpu_place {
#define X(id, name) GPU_PLACE_##id,
	GPU_PLACES(X)
#undef X
	    GPU_PLACE_NR
};

/* Where its size is. */
enum gpu_size {
	GPU_SIZE_ARGUMENT, /* size_arg, times size_arg2; no size_arg: it has none of its own */
	GPU_SIZE_VALUE,    /* what size_arg points to, times size_arg2 */
	GPU_SIZE_WORD,     /* the first word */
	GPU_SIZE_NODE,     /* words: a graph's node that allocates; also where, and which block */
	GPU_SIZE_CUDA_ARRAY,
	GPU_SIZE_CUDA_ARRAY_3D,
	GPU_SIZE_CUDA_MIPMAP, /* size_arg levels */
	GPU_SIZE_CL_IMAGE,
	GPU_SIZE_CL_IMAGE_2D, /* of OpenCL 1.0: width and height are arguments */
	GPU_SIZE_CL_IMAGE_3D,
	GPU_SIZE_CL_PIPE,
	GPU_SIZE_ZE_IMAGE,
};

struct gpu_call {
	uint8_t what;      /* enum gpu_what */
	uint8_t space;     /* enum gpu_space */
	uint8_t place;     /* enum gpu_place */
	uint8_t size;      /* enum gpu_size */
	uint8_t of_arg;    /* argument: the other thing it is about; a pool or device of a block */
	uint8_t of_space;  /* its space */
	uint8_t flags_arg; /* argument: cl_mem_flags */
	bool shared;       /* another's memory: its bytes are not counted again */
	bool in_context;   /* it goes when the current context does */
	bool located;      /* words: CUmemLocation, where it is */
};

#endif
