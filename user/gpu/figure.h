/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver itself says a process holds on its devices, and which of the devices that
 * calls were counted on each of those is.
 *
 * A driver numbers devices in its own way: NVML by bus, whoever asks; CUDA by what
 * CUDA_VISIBLE_DEVICES leaves of them.  The kernel's fdinfo knows the bus alone.
 */
#ifndef MS_GPU_FIGURE_H
#define MS_GPU_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPU_FIGURES_MAX 64
#define GPU_BUS_LEN 32
#define GPU_UUID_LEN 96

enum gpu_teller { GPU_TELLER_NVML, GPU_TELLER_DRM };

/* One device, and what one process has of it. */
struct gpu_figure {
	enum gpu_teller teller;
	unsigned index;          /* of NVML */
	char bus[GPU_BUS_LEN];   /* "0000:65:00.0", "" if it is not known */
	char uuid[GPU_UUID_LEN]; /* "GPU-…", of NVML */
	uint64_t bytes;
};

struct gpu_figures {
	struct gpu_figure items[GPU_FIGURES_MAX];
	size_t count;
};

/* The figure of this bus and teller, a new one of no bytes if there is none; NULL: no room. */
struct gpu_figure *gpu_figures_open(struct gpu_figures *figures, enum gpu_teller teller,
				    const char *bus);

/* In place of a device: which one is not known; all together that are no CUDA devices. */
#define GPU_OF_UNKNOWN UINT32_MAX
#define GPU_OF_ALL (UINT32_MAX - 1)

/* How the devices of NVML are those of a process. */
struct gpu_view {
	const struct gpu_figures *nvml; /* all that there are: index and uuid */
	const char *visible;            /* the process's CUDA_VISIBLE_DEVICES, NULL: not set */
};

/*
 * Says in of[] which device (books.h) each figure is about.  `devices` are those that calls were
 * counted on; another one, of which the process has a context alone, can be the answer, too.
 */
void gpu_figures_match(const struct gpu_figures *figures, const uint32_t *devices,
		       size_t device_count, const struct gpu_view *view,
		       uint32_t of[GPU_FIGURES_MAX]);

#endif
