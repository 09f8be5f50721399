/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of NVML that are needed, with the layout of what they fill. */
#include "gpu/nvml_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

#define NVML_SUCCESS 0
#define NVML_ERROR_NOT_SUPPORTED 3
#define NVML_ERROR_INSUFFICIENT_SIZE 7
#define NVML_VALUE_NOT_AVAILABLE UINT64_MAX

typedef struct nvmlDevice_st *nvml_device;

/* nvmlPciInfo_t */
struct pci_info {
	char legacy[16];
	unsigned domain, bus, device, id, subsystem;
	char text[32];
};

/* An element of the first version of the call, and of the later ones. */
struct process_1 {
	unsigned pid;
	unsigned long long bytes;
};
struct process_2 {
	unsigned pid;
	unsigned long long bytes;
	unsigned gpu_instance, compute_instance;
};
/* So much room for each: a version whose elements are larger than ours writes nothing else. */
#define ELEMENT_ROOM 64
#define PROCESSES_MAX 65536
#define TRIES 4

struct nvml_library {
	void *handle;
	int (*init)(void);
	int (*shutdown)(void);
	const char *(*error)(int result);
	int (*count)(unsigned *count);
	int (*by_index)(unsigned index, nvml_device *device);
	int (*pci)(nvml_device device, struct pci_info *info);
	int (*uuid)(nvml_device device, char *text, unsigned size);
	int (*processes)(nvml_device device, unsigned *count, void *infos);
	size_t element; /* bytes of one of `infos` */
};

static const struct {
	const char *symbol;
	size_t element;
} processes_versions[] = {
    {"nvmlDeviceGetComputeRunningProcesses_v3", sizeof(struct process_2)},
    {"nvmlDeviceGetComputeRunningProcesses_v2", sizeof(struct process_2)},
    {"nvmlDeviceGetComputeRunningProcesses", sizeof(struct process_1)},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* False: one that cannot be done without is not there. */
static bool find_functions(struct nvml_library *l)
{
	const struct {
		void **place;
		const char *symbol;
	} functions[] = {
	    {(void **)&l->init, "nvmlInit_v2"},
	    {(void **)&l->shutdown, "nvmlShutdown"},
	    {(void **)&l->error, "nvmlErrorString"},
	    {(void **)&l->count, "nvmlDeviceGetCount_v2"},
	    {(void **)&l->by_index, "nvmlDeviceGetHandleByIndex_v2"},
	    {(void **)&l->pci, "nvmlDeviceGetPciInfo_v3"},
	    {(void **)&l->uuid, "nvmlDeviceGetUUID"},
	};
	size_t i;

	for (i = 0; i < COUNT(functions); i++) {
		*functions[i].place = dlsym(l->handle, functions[i].symbol);
		if (!*functions[i].place)
			return false;
	}
	for (i = 0; i < COUNT(processes_versions) && !l->processes; i++) {
		*(void **)&l->processes = dlsym(l->handle, processes_versions[i].symbol);
		l->element = processes_versions[i].element;
	}
	return l->processes != NULL;
}

struct nvml_library *nvml_library_open(char reason[NVML_REASON_LEN], bool *missing)
{
	struct nvml_library *l = calloc(1, sizeof(*l));
	int result;

	*missing = false;
	snprintf(reason, NVML_REASON_LEN, "no memory");
	if (!l)
		return NULL;
	l->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!l->handle) {
		*missing = true;
		snprintf(reason, NVML_REASON_LEN, "%s is not installed", LIBRARY);
	} else if (!find_functions(l)) {
		snprintf(reason, NVML_REASON_LEN, "%s lacks functions", LIBRARY);
	} else {
		result = l->init();
		if (!result)
			return l;
		snprintf(reason, NVML_REASON_LEN, "%s: %.100s", LIBRARY, l->error(result));
	}
	if (l->handle)
		dlclose(l->handle);
	free(l);
	return NULL;
}

void nvml_library_close(struct nvml_library *l)
{
	if (!l)
		return;
	l->shutdown();
	dlclose(l->handle);
	free(l);
}

/* ---- devices ------------------------------------------------------------------------ */

/* As the kernel writes it; NVML has eight digits of the domain. */
static void bus_of(const struct nvml_library *l, nvml_device device, unsigned index,
		   char bus[GPU_BUS_LEN])
{
	struct pci_info info = {0};

	if (l->pci(device, &info))
		snprintf(bus, GPU_BUS_LEN, "nvml:%u", index);
	else
		snprintf(bus, GPU_BUS_LEN, "%04x:%02x:%02x.0", info.domain, info.bus, info.device);
}

static int add_device(const struct nvml_library *l, unsigned index, nvml_device *device,
		      struct nvml_answer *a)
{
	struct gpu_figure *f;

	if (l->by_index(index, device) || a->devices.count == GPU_FIGURES_MAX)
		return -ENODEV; /* lost, or not ours to see */
	f = &a->devices.items[a->devices.count++];
	*f = (struct gpu_figure){.teller = GPU_TELLER_NVML, .index = index};
	bus_of(l, *device, index, f->bus);
	if (l->uuid(*device, f->uuid, sizeof(f->uuid)))
		*f->uuid = 0;
	f->uuid[sizeof(f->uuid) - 1] = 0;
	return 0;
}

/* ---- processes ------------------------------------------------------------------------ */

static int add_use(struct nvml_answer *a, unsigned device, const char *element)
{
	struct nvml_use *uses;
	struct process_1 p; /* how both versions begin */

	memcpy(&p, element, sizeof(p));
	if (p.bytes == NVML_VALUE_NOT_AVAILABLE) {
		a->incomplete = true;
		return 0;
	}
	uses = reallocarray(a->uses, a->count + 1, sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	a->uses = uses;
	uses[a->count++] = (struct nvml_use){(pid_t)p.pid, device, p.bytes};
	return 0;
}

/* There can be more of them by the time the room for them is made. */
static int ask_processes(const struct nvml_library *l, nvml_device device, char **room,
			 unsigned *count)
{
	int result = NVML_ERROR_INSUFFICIENT_SIZE;

	*room = NULL;
	*count = 0;
	for (int i = 0; i < TRIES && result == NVML_ERROR_INSUFFICIENT_SIZE; i++) {
		unsigned asked = *count < PROCESSES_MAX ? 2 * *count + 16 : PROCESSES_MAX;

		free(*room);
		*room = calloc(asked, ELEMENT_ROOM);
		if (!*room)
			return NVML_ERROR_INSUFFICIENT_SIZE;
		*count = asked;
		result = l->processes(device, count, *room);
		if (!result && *count > asked)
			*count = asked;
	}
	return result;
}

static int add_processes(const struct nvml_library *l, nvml_device device, struct nvml_answer *a,
			 char reason[NVML_REASON_LEN])
{
	char *room;
	unsigned count;
	int err = 0, result = ask_processes(l, device, &room, &count);

	if (result == NVML_ERROR_NOT_SUPPORTED) {
		a->incomplete = true;
	} else if (result) {
		snprintf(reason, NVML_REASON_LEN, "%s: %.100s", LIBRARY, l->error(result));
		err = -EIO;
	}
	for (unsigned i = 0; !result && !err && i < count; i++)
		err = add_use(a, (unsigned)a->devices.count - 1, room + i * l->element);
	free(room);
	return err;
}

int nvml_library_ask(const struct nvml_library *l, struct nvml_answer *a,
		     char reason[NVML_REASON_LEN])
{
	unsigned count = 0;
	nvml_device device;
	int err = 0, result = l->count(&count);

	*a = (struct nvml_answer){0};
	if (result) {
		snprintf(reason, NVML_REASON_LEN, "%s: %.100s", LIBRARY, l->error(result));
		return -EIO;
	}
	for (unsigned i = 0; i < count && !err; i++)
		if (!add_device(l, i, &device, a))
			err = add_processes(l, device, a, reason);
	if (err)
		nvml_answer_free(a);
	return err;
}

void nvml_answer_free(struct nvml_answer *a)
{
	free(a->uses);
	*a = (struct nvml_answer){0};
}
