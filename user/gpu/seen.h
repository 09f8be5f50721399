/* SPDX-License-Identifier: GPL-2.0 */
/* What an event of the gpu layer says, read as its row says. */
#ifndef MS_GPU_SEEN_H
#define MS_GPU_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu.h"
#include "gpu/calls.h"
#include "memsnoop.h"

/* An event, and what it is an event of. */
struct seen {
	const struct ms_row *row;
	const struct gpu_call *call;
	const struct ms_gpu_event *event;
};

/* From 1; 0 is none, and reads 0. */
uint64_t seen_argument(const struct seen *seen, unsigned number);
/* Whether it has succeeded.  A function without a result, and a free of --probe, do not fail. */
bool seen_good(const struct seen *seen);
/* CUmemLocation among the words: its type in the low half, which one in the high; 0: not read. */
uint64_t seen_location(const struct seen *seen);
/* Of GPU_NODE: whether it allocates, or frees the block whose address is stored. */
bool seen_node_allocates(const struct seen *seen);
bool seen_node_frees(const struct seen *seen, uint64_t *address);
/* The address or handle that the call is about; false if it could not be read. */
bool seen_address(const struct seen *seen, uint64_t *address);
/* Bytes that the call was asked for, or has given; false if they cannot be told. */
bool seen_size(const struct seen *seen, uint64_t *bytes);

#endif
