/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of one image's GPU memory: by stack and device, by device, and in all, with
 * the same arithmetic of the peak as in the kernel (peak.h).  At any time
 *
 *	the sum over stacks == the sum over devices == the whole
 *
 * of allocations, frees and bytes.
 */
#ifndef MS_GPU_BOOKS_H
#define MS_GPU_BOOKS_H

#include <stddef.h>
#include <stdint.h>

#include "memsnoop.h"
#include "symbol/intern.h"

/* A device: a place (enum gpu_place), and which of its kind. */
#define GPU_DEVICE(place, number) ((uint32_t)(place) | (uint32_t)(number) << 8)
#define GPU_DEVICE_PLACE(device) ((device)&0xff)
#define GPU_DEVICE_NUMBER(device) ((device) >> 8 & 0xffff)

/* "cuda:0", "host-pinned" …; the text ends within `size`. */
void gpu_device_name(uint32_t device, char *name, unsigned size);

struct gpu_stack {
	uint64_t stack; /* its name */
	uint32_t device;
	struct ms_stack_totals totals;
};

struct gpu_device {
	uint32_t device;
	struct ms_totals totals; /* a peak of its own; no epochs */
	uint64_t shared_bytes;   /* live, and another's: not in totals */
};

struct gpu_books {
	struct ms_totals totals;
	struct gpu_stack *stacks;
	size_t stack_count, stack_room;
	struct pair_map by_stack; /* (stack, device) -> place + 1 */
	struct gpu_device *devices;
	size_t device_count;
};

/* What an entry of the books is about. */
struct gpu_entry {
	uint64_t stack;
	uint32_t device;
	uint64_t size, shared; /* bytes: its own, another's */
	uint64_t born_ns;
};

/* Sees to it that there are numbers of its stack and device.  0 or -ENOMEM. */
int gpu_books_open(struct gpu_books *books, const struct gpu_entry *entry);
/* A block is there; the books are open for it. */
void gpu_books_add(struct gpu_books *books, const struct gpu_entry *entry);
/* It is free; it was added. */
void gpu_books_free_entry(struct gpu_books *books, const struct gpu_entry *entry, uint64_t now_ns);
/* A call had no memory on this device.  0 or -ENOMEM: only the whole has it. */
int gpu_books_failed(struct gpu_books *books, uint32_t device);
void gpu_books_free(struct gpu_books *books);

#endif
