/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tensors' blocks of one process: those that live, and of those that have ended the
 * ones that were there at the peak of their device.  Memory is bounded by the two.
 */
#ifndef MS_TENSOR_BLOCKS_H
#define MS_TENSOR_BLOCKS_H

#include "analyse/tensor.h"

/* Where the process was when a block was born or ended. */
struct moment {
	double t_s;
	enum stage_kind stage; /* of the process as a whole */
	uint32_t iteration;    /* steps of an optimizer that were over */
	uint32_t windows;      /* backward passes begun so far */
	uint32_t window;       /* number of the innermost one that is open; 0: none */
	uint32_t depth;        /* passes that are open, one inside the other */
	uint32_t step;         /* number of the optimizer's step that is open; 0: none */
};

enum tensor_usage { USAGE_ANY, USAGE_WEIGHTS, USAGE_COMPUTE };

struct tensor_block {
	uint64_t address, size, stack;
	uint64_t number; /* in order of birth */
	uint64_t
	    requested;  /* bytes asked for, of those that it takes, and for which stream; only */
	int64_t stream; /* if `told` */
	unsigned marks;
	uint16_t device;
	bool before;    /* it was there before tracing */
	bool unseen;    /* its birth was not told */
	bool parameter; /* a gradient came for it */
	bool gradient;  /* it was the gradient of a parameter */
	bool state;     /* it was there before, and an optimizer's step works on it */
	bool told;      /* its allocator has said what was asked for */
	uint8_t usage;  /* as ggml says: enum tensor_usage */
	bool ended;
	bool window_over; /* when it ended, the backward pass that it was born in had */
	struct tensor_shape shape;
	struct moment born, died;
	struct tensor_block *next; /* of its bucket, then of its device's ended ones */
};

/* What a device's allocator says of itself. */
struct allocator_totals {
	uint64_t allocated, reserved; /* bytes given out, and taken from the device */
};

/* One device: what lives there, and the most that did. */
struct device_blocks {
	uint16_t device;
	uint64_t live_bytes, live;
	uint64_t peak_bytes;
	uint64_t peak_number;       /* blocks born so far at the peak */
	bool below;                 /* something ended since the peak */
	struct tensor_block *ended; /* were there at the peak */
	bool totals_told;           /* there is an allocator that says: */
	struct allocator_totals now, at_peak;
	uint64_t reserved_peak;
};

struct blocks {
	struct tensor_block **buckets;
	size_t bucket_count, count;
	uint64_t born;
	struct device_blocks *devices;
	size_t device_count;
};

void blocks_free(struct blocks *blocks);

/* The device whose addresses the blocks of `device` go by: itself, or the host (0). */
uint16_t blocks_space(uint16_t device);

/*
 * A block is born: `block` is copied, its number set.  None may live at its address on its
 * device: one that does has ended unseen, and is taken out before.  NULL without memory.
 */
struct tensor_block *blocks_add(struct blocks *blocks, const struct tensor_block *block);
/* `device`: whose addresses it goes by. */
struct tensor_block *blocks_find(const struct blocks *blocks, uint16_t device, uint64_t address);
/*
 * Takes a block out that has ended; then blocks_drop() decides whether it is still needed
 * for the peak.
 */
struct tensor_block *blocks_take(struct blocks *blocks, uint16_t device, uint64_t address);
void blocks_drop(struct blocks *blocks, struct tensor_block *block);

struct device_blocks *blocks_device(struct blocks *blocks, uint16_t device);

typedef void block_fn(const struct tensor_block *block, void *context);
void blocks_each_live(const struct blocks *blocks, block_fn *fn, void *context);
/* Those that were there when their device had the most. */
void blocks_each_at_peak(const struct blocks *blocks, block_fn *fn, void *context);

#endif
