/* SPDX-License-Identifier: GPL-2.0 */
/* libnvidia-ml.so.1, by its public interface: opened, asked once, by one thread. */
#ifndef MS_GPU_NVML_LIBRARY_H
#define MS_GPU_NVML_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gpu/figure.h"

struct nvml_library;

/* What one process has of one device. */
struct nvml_use {
	pid_t pid;
	unsigned device; /* its place among the devices */
	uint64_t bytes;
};

struct nvml_answer {
	struct gpu_figures devices; /* bytes: 0 */
	struct nvml_use *uses;
	size_t count;
	bool incomplete; /* the driver does not say it of some process */
};

#define NVML_REASON_LEN 160

/* NULL: `reason` says why not, `missing` whether it is because there is no such library. */
struct nvml_library *nvml_library_open(char reason[NVML_REASON_LEN], bool *missing);

/* Asks the driver.  0, or -EIO with a reason, or -ENOMEM.  The answer is to be freed. */
int nvml_library_ask(const struct nvml_library *library, struct nvml_answer *answer,
		     char reason[NVML_REASON_LEN]);
void nvml_answer_free(struct nvml_answer *answer);
void nvml_library_close(struct nvml_library *library);

#endif
