/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A double of libnvidia-ml.so.1: it tells what the other doubles wrote down (driver.h).
 *
 * $GPU_DOUBLE_NVML: `hangs` when it is begun, `silent` does not know how much a process has.
 * With NVML_OLD it has the first version of the call alone, whose elements are shorter.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

enum {
	SUCCESS = 0,
	INVALID_ARGUMENT = 2,
	INSUFFICIENT_SIZE = 7,
	DRIVER_NOT_LOADED = 9,
};

typedef struct nvmlDevice_st {
	int number;
} * nvmlDevice_t;

typedef struct {
	char busIdLegacy[16];
	unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
	char busId[32];
} nvmlPciInfo_t;

typedef struct {
	unsigned pid;
	unsigned long long usedGpuMemory;
#ifndef NVML_OLD
	unsigned gpuInstanceId, computeInstanceId;
#endif
} nvmlProcessInfo_t;

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int result);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device);
int nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info);
int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned size);
int nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device, unsigned *count,
					 nvmlProcessInfo_t *infos);
int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
					    nvmlProcessInfo_t *infos);

static struct nvmlDevice_st devices[STORE_DEVICES];

static int is_mode(const char *name)
{
	const char *mode = getenv("GPU_DOUBLE_NVML");

	return mode && !strcmp(mode, name);
}

int nvmlInit_v2(void)
{
	while (is_mode("hangs"))
		pause();
	return getenv("GPU_DOUBLE_DRIVER") ? SUCCESS : DRIVER_NOT_LOADED;
}

int nvmlShutdown(void)
{
	return SUCCESS;
}

const char *nvmlErrorString(int result)
{
	return result == DRIVER_NOT_LOADED ? "Driver Not Loaded" : "Unknown Error";
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
	*count = STORE_DEVICES;
	return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device)
{
	if (index >= STORE_DEVICES)
		return INVALID_ARGUMENT;
	*device = &devices[index];
	devices[index].number = (int)index;
	return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info)
{
	memset(info, 0, sizeof(*info));
	info->bus = 0x41 + (unsigned)device->number;
	snprintf(info->busId, sizeof(info->busId), "00000000:%02X:00.0", info->bus);
	return SUCCESS;
}

int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned size)
{
	snprintf(text, size, "GPU-%dabc0000-0000-0000-0000-000000000000", device->number);
	return SUCCESS;
}

/* What the process of this file has of the device; 0: nothing. */
static unsigned long long bytes_of(const char *name, int device)
{
	char path[PATH_MAX];
	unsigned long long bytes, found = 0;
	FILE *in;
	int number;

	snprintf(path, sizeof(path), "%s/%s", getenv("GPU_DOUBLE_DRIVER"), name);
	in = fopen(path, "r");
	while (in && fscanf(in, "%d %llu", &number, &bytes) == 2)
		if (number == device)
			found = bytes;
	if (in)
		fclose(in);
	return found;
}

/* As the real one does: too little room, and it says how much is needed. */
static int processes(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *infos)
{
	DIR *directory = opendir(getenv("GPU_DOUBLE_DRIVER"));
	unsigned room = *count, needed = 0;
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		unsigned long long bytes = bytes_of(entry->d_name, device->number);

		if (*entry->d_name == '.' || !bytes)
			continue;
		if (needed < room) {
			infos[needed].pid = (unsigned)atoi(entry->d_name);
			infos[needed].usedGpuMemory = is_mode("silent") ? UINT64_MAX : bytes;
		}
		needed++;
	}
	if (directory)
		closedir(directory);
	*count = needed;
	return needed > room ? INSUFFICIENT_SIZE : SUCCESS;
}

#ifdef NVML_OLD
int nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device, unsigned *count,
					 nvmlProcessInfo_t *infos)
{
	return processes(device, count, infos);
}
#else
int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
					    nvmlProcessInfo_t *infos)
{
	return processes(device, count, infos);
}
#endif
