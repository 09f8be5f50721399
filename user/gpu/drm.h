/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's DRM drivers (amdgpu, i915, xe, nouveau …) say a process holds: the keys
 * drm-… of /proc/PID/fdinfo.  One client of a driver can be open under several descriptors,
 * and is counted once.
 */
#ifndef MS_GPU_DRM_H
#define MS_GPU_DRM_H

#include "gpu/figure.h"

#define DRM_CLIENTS_MAX 256

struct drm_client {
	char bus[GPU_BUS_LEN]; /* drm-pdev, "" where the driver has none */
	uint64_t id;           /* drm-client-id */
	uint64_t device_bytes; /* in the device's own memory */
	uint64_t host_bytes;   /* in the machine's */
	bool has_device;       /* the device has memory of its own */
};

struct drm_clients {
	struct drm_client items[DRM_CLIENTS_MAX];
	size_t count;
};

/*
 * Adds what one file of fdinfo says, `size` bytes that need not end in 0.  False if it is not
 * about a DRM client, or one that is known already, or there are too many.
 */
bool drm_clients_add(struct drm_clients *clients, const char *text, size_t size);

/* What they come to by device: of its own memory, or if it has none, of the machine's. */
void drm_figures(const struct drm_clients *clients, struct gpu_figures *figures);

/*
 * Reads a directory such as /proc/PID: in its fd, which descriptors are of DRM devices, and
 * of those fdinfo.  0, or a negative errno if it cannot be read.
 */
int drm_read(const char *directory, struct gpu_figures *figures);

#endif
