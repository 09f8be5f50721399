/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A double of the CUDA runtime, to be linked in or a library of its own: it asks the driver
 * for its functions, as the real one does, and has a context that all share.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "cuda.h"

static __thread int device_now;
static __thread int device_bound = -1;
static CUcontext contexts[8];

static void *driver(const char *symbol)
{
	static CUresult (*get)(const char *, void **, int, uint64_t, int *);
	CUresult (*init)(unsigned);
	void *function = NULL;

	if (!get) {
		void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

		if (!library)
			abort();
		*(void **)&init = dlsym(library, "cuInit");
		*(void **)&get = dlsym(library, "cuGetProcAddress_v2");
		if (!init || init(0))
			abort();
	}
	if (!get || get(symbol, &function, 12040, 0, NULL))
		abort();
	return function;
}

#define CALL(name, type, ...) ((type)driver(name))(__VA_ARGS__)

/* The first call of a thread on a device makes its context current. */
static void bind(void)
{
	if (device_bound == device_now)
		return;
	if (!contexts[device_now])
		CALL("cuDevicePrimaryCtxRetain", CUresult(*)(CUcontext *, CUdevice),
		     &contexts[device_now], device_now);
	CALL("cuCtxSetCurrent", CUresult(*)(CUcontext), contexts[device_now]);
	device_bound = device_now;
}

int cudaSetDevice(int device)
{
	device_now = device;
	bind();
	return 0;
}

int cudaMalloc(void **ptr, size_t size)
{
	bind();
	return CALL("cuMemAlloc", CUresult(*)(CUdeviceptr *, size_t), (CUdeviceptr *)ptr, size);
}

int cudaMallocPitch(void **ptr, size_t *pitch, size_t width, size_t height)
{
	bind();
	return CALL("cuMemAllocPitch",
		    CUresult(*)(CUdeviceptr *, size_t *, size_t, size_t, unsigned),
		    (CUdeviceptr *)ptr, pitch, width, height, 4);
}

int cudaMallocManaged(void **ptr, size_t size, unsigned flags)
{
	bind();
	return CALL("cuMemAllocManaged", CUresult(*)(CUdeviceptr *, size_t, unsigned),
		    (CUdeviceptr *)ptr, size, flags);
}

int cudaMallocHost(void **ptr, size_t size)
{
	bind();
	return CALL("cuMemHostAlloc", CUresult(*)(void **, size_t, unsigned), ptr, size, 0);
}

int cudaMallocAsync(void **ptr, size_t size, void *stream)
{
	bind();
	return CALL("cuMemAllocAsync", CUresult(*)(CUdeviceptr *, size_t, CUstream),
		    (CUdeviceptr *)ptr, size, stream);
}

/* Of NULL: the usual way to have a context made. */
int cudaFree(void *ptr)
{
	bind();
	return CALL("cuMemFree", CUresult(*)(CUdeviceptr), (CUdeviceptr)ptr);
}

int cudaFreeHost(void *ptr)
{
	bind();
	return CALL("cuMemFreeHost", CUresult(*)(void *), ptr);
}

int cudaFreeAsync(void *ptr, void *stream)
{
	bind();
	return CALL("cuMemFreeAsync", CUresult(*)(CUdeviceptr, CUstream), (CUdeviceptr)ptr, stream);
}

int cudaDeviceReset(void)
{
	bind();
	device_bound = -1;
	return CALL("cuDevicePrimaryCtxReset", CUresult(*)(CUdevice), device_now);
}
