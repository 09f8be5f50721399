/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What drivers say that each image holds on its devices, beside what its calls come to.
 *
 * It is asked for images that have made calls of the gpu layer, now and then, and when one
 * ends: NVML for CUDA's devices, the kernel's fdinfo for all others.  What was counted is
 * taken in the same moment, or a few milliseconds later.
 */
#ifndef MS_DRIVERS_H
#define MS_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/gpus.h"
#include "gpu/nvml.h"
#include "target/target.h"

struct drivers {
	struct nvml *nvml; /* NULL: it was not needed yet */
	struct image_driver *images;
	size_t count;
	uint64_t asked_ns; /* when it was last asked on its own account */
	uint64_t taken;    /* answers of NVML that were made use of */
	bool foreign;      /* pids that the driver knows are not ours */
	bool late;         /* NVML was waited for in vain */
};

void drivers_free(struct drivers *drivers);

/* At each tick, after the events that are there were read: asks if it is time to. */
void drivers_tick(struct drivers *drivers, const struct gpus *gpus, const struct target *target);

/* The last look at an image, which is about to end, or to be let go: waits for the answer. */
void drivers_last(struct drivers *drivers, const struct gpus *gpus, const struct image *image);

/*
 * Adds to the devices of a process what is known of them; one that no call was counted on has a
 * place of its own.  0 or -ENOMEM.
 */
int drivers_fill(const struct drivers *drivers, const struct gpus *gpus, struct process *process);

/* Why nothing, or not all, is known from NVML, for people; false: there is nothing to say. */
bool drivers_remark(const struct drivers *drivers, char *text, size_t size);

#endif
