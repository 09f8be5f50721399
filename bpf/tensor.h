/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The tensor layer: what both sides know of it.  Its blocks are accounted for as all
 * others are, and each of its events is told besides, in order, with the marks that
 * say what the program is doing: categories and stages follow from these.
 */
#ifndef MS_TENSOR_H
#define MS_TENSOR_H

#include <linux/types.h>

#define MS_DIMS 8        /* of a tensor's shape that are told */
#define MS_RANGE_NAME 64 /* characters of a range's name, with the 0 behind them */
#define MS_RANGES 8      /* ranges of objects that a thread is known to be inside of */
/* The stack of a tensor that was there before tracing: a remark of user space's, see memsnoop.h. */
#define MS_STACK_TENSOR_BEFORE 7ULL
/* No shape is known. */
#define MS_DTYPE_NONE 0xff

enum ms_tensor_what {
	MS_TENSOR_ALLOC,
	MS_TENSOR_FREE,      /* size 0: of a block from before tracing */
	MS_TENSOR_BEGIN,     /* a call began that is a range */
	MS_TENSOR_END,       /* it returned */
	MS_TENSOR_PUSH,      /* a range began, of the object at `address`, or of none (0) */
	MS_TENSOR_POP,       /* it ended; 0: the thread's last one of those without an object */
	MS_TENSOR_USAGE,     /* ggml says what the block at `address` is for: `size` */
	MS_TENSOR_PARAMETER, /* a gradient arrives for the block at `address` */
	MS_TENSOR_UPDATE, /* inside a range the block at `address` is changed; it has no gradient */
	MS_TENSOR_REQUEST, /* `size` bytes were asked for, of `device`, of which only the index
			      is known, and are the block at `address` */
	MS_TENSOR_MOMENT,  /* the thread has come to the tracepoint of its row */
};

/* In place of the name of a range. */
struct ms_unread_name {
	__u64 empty;   /* 0 */
	__u64 address; /* where it is, if it could not be read; else 0 */
};

struct ms_tensor_event {
	__u32 kind; /* MS_EVENT_TENSOR */
	__u32 tgid;
	__u32 tid;
	__u32 image;
	__u64 time_ns;
	__u8 what;    /* enum ms_tensor_what */
	__u8 layer;   /* enum ms_layer */
	__u16 row;    /* of the probe table */
	__u16 device; /* MS_DEVICE() */
	__u8 dtype;   /* c10::ScalarType, or MS_DTYPE_NONE */
	__u8 ndim;    /* of the shape; it may have more than MS_DIMS */
	__u64 address;
	__u64 size;  /* bytes */
	__u64 stack; /* of an allocation, or of what began a range; 0: could not be kept */
	__u64 sp;    /* of a call that is a range */
	union {
		/* Of a report: what the allocator has given out of the device's memory, and has
		 * taken. */
		struct {
			__u64 allocated, reserved;
		};
		/* Of a range of an object: the probe's address, and where its function returns to,
		 * 0 where the probe is at an instruction that calls it. */
		struct {
			__u64 ip, back;
		};
		/* Of ggml's buffers: the function that has made it, which is its device's; 0: the
		 * host. */
		__u64 maker;
	};
	union {
		__u64 dims[MS_DIMS];
		char name[MS_RANGE_NAME];
		struct ms_unread_name unread_name;
		struct {
			__u64 address, size; /* the gradient that is there already; 0: none */
		} gradient;
		__s64 stream; /* of a request */
	};
};

/* As c10::Device is passed: the type in the low byte, the index in the next one. */
#define MS_DEVICE(type, index) ((__u16)((type) | (__u8)(index) << 8))
#define MS_DEVICE_TYPE(device) ((device)&0xff)
#define MS_DEVICE_CPU 0
/* Each device has addresses of its own (ms_block_key.space). */
#define MS_SPACE(layer, device) ((__u32)(layer) | (__u32)(device) << 8)

/*
 * Value of the map `torches`, by image: where PyTorch's classes have their virtual
 * tables, by which its objects are known for what they are.  Several libraries may
 * define one; which of them objects have is the dynamic linker's choice.
 */
#define MS_VTABLES 4
enum ms_class {
	MS_CLASS_TENSOR,   /* c10::TensorImpl */
	MS_CLASS_STORAGE,  /* c10::StorageImpl */
	MS_CLASS_AUTOGRAD, /* torch::autograd::AutogradMeta */
	MS_CLASS_NR
};
struct ms_torch {
	__u64 vtable[MS_CLASS_NR][MS_VTABLES]; /* 0: no more */
	__u64 variable_at; /* the kernel side's: the word of an AccumulateGrad that it found last */
};

#endif
