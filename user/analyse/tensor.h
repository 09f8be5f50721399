/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happens to the tensors of one process, as analyse/ sees it: blocks that come
 * and go, and moments that say what the program is doing.  Times are seconds since
 * tracing began, sizes bytes.
 */
#ifndef MS_TENSOR_ANALYSE_H
#define MS_TENSOR_ANALYSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_DIMS 8
#define TENSOR_DTYPE_NONE 0xff

enum tensor_what {
	TENSOR_ALLOC,
	TENSOR_FREE,
	TENSOR_BEGIN, /* a call begins that is the stage `stage` */
	TENSOR_END,
	TENSOR_PUSH, /* a range that the program or its framework has named begins */
	TENSOR_POP,
	TENSOR_USAGE,     /* what the block at `address` is for: `size`, a number of ggml's */
	TENSOR_PARAMETER, /* a gradient arrives for the block at `address` */
	TENSOR_UPDATE,    /* what has no gradient and lives at `address` is changed where it is */
	TENSOR_REQUEST, /* `size` bytes were asked for, on `stream`, and are the block at `address`
			   of a device with the index of `device` */
};

/*
 * What the frames of a stack say: bits.  From MARK_OWN on they are the user's own
 * stages and categories.
 */
enum {
	MARK_FORWARD = 1 << 0,    /* inside the call of a torch.nn.Module */
	MARK_LOAD = 1 << 1,       /* a model is read from a file */
	MARK_STEP = 1 << 2,       /* inside the step of an optimizer */
	MARK_STATE_LOAD = 1 << 3, /* the state of an optimizer is restored */
	MARK_DATA = 1 << 4,       /* inside a data loader */
	MARK_RECOMPUTE = 1 << 5,  /* activations made again: torch.utils.checkpoint */
	MARK_CACHE = 1 << 6,      /* keys and values of attention that are kept */
	MARK_INIT = 1 << 7,       /* inside a constructor */
	MARK_ZERO = 1 << 8,       /* gradients are set to zero */
	MARK_NN = 1 << 9,         /* inside the constructor of one of PyTorch's own modules */
	MARK_BUFFER = 1 << 10,    /* the line registers a buffer */
	MARK_WORKSPACE =
	    1 << 11, /* memory that an operation works in, as its native functions say */
	MARK_OWN = 1 << 12,
};
#define MARK_OWN_MAX 16

struct tensor_shape {
	uint64_t dims[TENSOR_DIMS];
	uint8_t ndim;  /* may be more than TENSOR_DIMS */
	uint8_t dtype; /* c10::ScalarType, or TENSOR_DTYPE_NONE: no shape is known */
};

#define STAGES(X)                                                                                  \
	X(NONE, "")                                                                                \
	X(LOAD, "load")                                                                            \
	X(DATA, "data loading")                                                                    \
	X(FORWARD, "forward")                                                                      \
	X(EVALUATION, "evaluation")                                                                \
	X(BACKWARD, "backward")                                                                    \
	X(STEP, "optimizer step")                                                                  \
	X(ZERO, "zero_grad")                                                                       \
	X(CONTEXT, "context")                                                                      \
	X(OWN, "own")

/* What a process is doing; STAGE_OWN: a range of the program's own, which has a name. */
enum stage_kind {
#define X(id, name) STAGE_##id,
	STAGES(X)
#undef X
	    STAGE_NR
};

/*
 * A device's index where only its kind is known.  Blocks there are ggml's buffers, which go by an
 * address of the host wherever they are.
 */
#define TENSOR_INDEX_ANY 0xff

/* c10::DeviceType, of those that others than PyTorch have, too. */
enum tensor_device {
	TENSOR_CUDA = 1,
	TENSOR_OPENCL = 4,
	TENSOR_HIP = 6,
	TENSOR_VULKAN = 10,
	TENSOR_METAL = 11,
	TENSOR_XPU = 12,
};

struct tensor_event {
	enum tensor_what what;
	double t_s;
	uint32_t thread;
	uint16_t device; /* as MS_DEVICE() */
	unsigned marks;  /* of the stack of an allocation, or of what begins a range */
	uint64_t address, size;
	uint64_t stack;
	uint64_t sp;      /* of a call that is a range */
	const char *name; /* of a range: "" if it has none */
	enum stage_kind stage;
	struct tensor_shape shape;
	uint64_t gradient_address, gradient_size; /* TENSOR_PARAMETER: 0 if there is none yet */
	int64_t stream;
	/* Of a block: what its device's allocator has given out and what it has taken, if `totals`.
	 */
	bool totals;
	uint64_t allocated, reserved;
};

#define CATEGORIES(X)                                                                              \
	X(PARAMETERS, "parameters")                                                                \
	X(GRADIENTS, "gradients")                                                                  \
	X(ACTIVATIONS, "activations")                                                              \
	X(OPTIMIZER, "optimizer state")                                                            \
	X(INPUTS, "inputs")                                                                        \
	X(BUFFERS, "buffers")                                                                      \
	X(TEMPORARIES, "temporaries")                                                              \
	X(WORKSPACE, "workspace")                                                                  \
	X(CACHE, "KV cache")                                                                       \
	X(OTHER, "other")

enum category_kind {
#define X(id, name) CATEGORY_##id,
	CATEGORIES(X)
#undef X
	    CATEGORY_NR
};

extern const char *const category_names[CATEGORY_NR];

extern const char *const stage_names[STAGE_NR];

/* Bytes of one element of a c10::ScalarType, its name in PyTorch; 0 and NULL if unknown. */
unsigned tensor_dtype_bytes(uint8_t dtype);
const char *tensor_dtype_name(uint8_t dtype);
/*
 * Whether the shape, if it is known, is that of a block of `size` bytes; the allocators of
 * devices round sizes up, to a multiple of 512 bytes.
 */
bool tensor_shape_fits(const struct tensor_shape *shape, uint64_t size, uint16_t device);
/* "float32[64, 3, 7, 7]", or "" if it is not known.  Returns `text`. */
char *tensor_shape_text(const struct tensor_shape *shape, char *text, size_t size);
/* "cpu", "cuda:0" and so on.  Returns `text`. */
char *tensor_device_text(uint16_t device, char *text, size_t size);

#endif
