/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gpu layer of one image: what its calls, as the kernel side tells them, come to.
 *
 * Memory of a device counts when the driver has given it.  Memory that is another's, or was
 * there before (imported, registered, a part), counts as an allocation of no bytes; how many
 * it is about is said apart.
 */
#ifndef MS_GPU_LAYER_H
#define MS_GPU_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu.h"
#include "gpu/account.h"
#include "gpu/books.h"
#include "gpu/calls.h"

struct gpu;

/*
 * `from_start`: all calls of the image are seen.  Else a primary context may have
 * references that are not known, and its release frees nothing.  NULL: no memory.
 */
struct gpu *gpu_new(bool from_start);
void gpu_free(struct gpu *gpu);

/* A call that had no memory. */
struct gpu_failure {
	bool failed;
	uint64_t bytes; /* asked for; 0 if that is not known */
};

/*
 * Applies one event, of a function that `row` and `call` describe.  0 or -ENOMEM: then the
 * numbers agree with each other, but not with the process.
 */
int gpu_apply(struct gpu *gpu, const struct ms_row *row, const struct gpu_call *call,
	      const struct ms_gpu_event *event, struct gpu_failure *failure);

const struct gpu_books *gpu_books(const struct gpu *gpu);
/* `fn` for each block of a device's memory that lives and has an address there: given, or mapped.
 */
void gpu_each_segment(struct gpu *gpu, gpu_block_fn *fn, void *context);

struct gpu_counts {
	uint64_t missed_frees;   /* blocks whose address was handed out again, the free unseen */
	uint64_t unread;         /* calls whose block or size could not be told */
	uint64_t unknown_device; /* blocks that were counted under device 0 for want of another */
};
void gpu_counts(const struct gpu *gpu, struct gpu_counts *counts);

#endif
