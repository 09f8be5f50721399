/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which device a call is about: CUDA's contexts, of which each thread has a stack; and
 * devices and pools that other interfaces know by a handle, by number.
 *
 * Functions that return int give 0 or -ENOMEM; then the device may be unknown.
 */
#ifndef MS_GPU_CONTEXTS_H
#define MS_GPU_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GPU_NO_DEVICE UINT32_MAX

struct gpu_contexts {
	struct gpu_thread *threads;
	size_t thread_count;
	struct gpu_handle *handles;
	size_t handle_count;
	struct gpu_primary *primaries;
	size_t primary_count;
	uint32_t numbered[2]; /* devices and pools that have a number so far */
};

/* What has a device: tables of their own. */
enum gpu_handles { GPU_HANDLES_CONTEXT, GPU_HANDLES_POOL, GPU_HANDLES_ZE, GPU_HANDLES_HSA };

void gpu_contexts_free(struct gpu_contexts *contexts);

/* A context, or a pool, of this device. */
int gpu_handle_set(struct gpu_contexts *contexts, enum gpu_handles table, uint64_t handle,
		   uint32_t device);
/* GPU_NO_DEVICE if it is not known. */
uint32_t gpu_handle_device(const struct gpu_contexts *contexts, enum gpu_handles table,
			   uint64_t handle);
/* The same, of those that are numbered in the order in which they are first told of. */
uint32_t gpu_handle_number(struct gpu_contexts *contexts, enum gpu_handles table, uint64_t handle);

int gpu_context_push(struct gpu_contexts *contexts, pid_t tid, uint64_t context);
void gpu_context_pop(struct gpu_contexts *contexts, pid_t tid);
/* In place of the thread's current one; 0 takes that away. */
int gpu_context_set(struct gpu_contexts *contexts, pid_t tid, uint64_t context);
/* 0: none, or not known. */
uint64_t gpu_context_current(const struct gpu_contexts *contexts, pid_t tid);
uint32_t gpu_context_device(const struct gpu_contexts *contexts, pid_t tid);
/* The thread was told which device its current context is of. */
int gpu_context_told(struct gpu_contexts *contexts, pid_t tid, uint32_t device);
void gpu_context_end(struct gpu_contexts *contexts, pid_t tid, uint64_t context);

/* One reference more to the device's primary context. */
int gpu_primary_retain(struct gpu_contexts *contexts, uint32_t device, uint64_t context);
/* One less; true if that was the last that we know of. */
bool gpu_primary_release(struct gpu_contexts *contexts, uint32_t device);
/* 0: not known. */
uint64_t gpu_primary_context(const struct gpu_contexts *contexts, uint32_t device);

#endif
