/* SPDX-License-Identifier: GPL-2.0 */
/* The GPU memory of each image, and the names of its devices. */
#ifndef MS_GPUS_H
#define MS_GPUS_H

#include <stddef.h>
#include <stdint.h>

#include "collect/snapshot.h"
#include "gpu/layer.h"
#include "symbol/intern.h"

struct gpus {
	struct gpu **items; /* by image id; NULL: none */
	size_t room;
	struct intern *names;
};

/* 0 or -ENOMEM. */
int gpus_init(struct gpus *gpus);
void gpus_free(struct gpus *gpus);
/* NULL if the image has made no call of the gpu layer. */
const struct gpu *gpus_find(const struct gpus *gpus, uint32_t image);
/* The same, to look through. */
struct gpu *gpus_opened(const struct gpus *gpus, uint32_t image);
/* The same; it is made if there is none.  NULL: no memory. */
struct gpu *gpus_open(struct gpus *gpus, uint32_t image, bool from_start);
/* A device's name, which lives as long as `gpus`; NULL: no memory. */
const char *gpus_name(const struct gpus *gpus, uint32_t device);
/* The same of what a driver tells of: by its bus, where no device is known to be it (figure.h). */
const char *gpus_told_name(const struct gpus *gpus, uint32_t of, const char *bus);
/* Of all images together. */
struct gpu_counts gpus_counts(const struct gpus *gpus);
/* What a process has on each device.  0 or -ENOMEM. */
int gpus_devices(const struct gpus *gpus, struct process *process, uint64_t start_ns);

#endif
