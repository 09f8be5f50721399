/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens libcuda.so.1, whichever is found, and asks it for memory of each kind.  Without a GPU the
 * real one refuses all of it, and its functions are there to be probed and called.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuda.h"
#include "tally.h"

#define MIB (1ULL << 20)

static void *library;

static void *function(const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "no function %s\n", name);
		exit(1);
	}
	return found;
}

/* CALL("cuInit", (unsigned), 0) */
#define CALL(name, types, ...) (((CUresult(*) types)function(name))(__VA_ARGS__))

static void try_pointers(void)
{
	static char memory[8192];
	CUdeviceptr ptr = 0;
	size_t pitch = 0;
	void *host = NULL;
	CUresult result = CALL("cuMemAlloc_v2", (CUdeviceptr *, size_t), &ptr, 3 * MIB);

	tally_made(CUDA0, result, 3 * MIB);
	if (!result)
		tally_freed(CUDA0, CALL("cuMemFree_v2", (CUdeviceptr), ptr), 3 * MIB);
	result = CALL("cuMemAllocManaged", (CUdeviceptr *, size_t, unsigned), &ptr, MIB, 1);
	tally_made(MANAGED, result, MIB);
	result = CALL("cuMemHostAlloc", (void **, size_t, unsigned), &host, 4096, 0);
	tally_made(PINNED, result, 4096);
	result = CALL("cuMemAllocPitch_v2", (CUdeviceptr *, size_t *, size_t, size_t, unsigned),
		      &ptr, &pitch, 100, 10, 4);
	tally_made(CUDA0, result, pitch * 10);
	result =
	    CALL("cuMemHostRegister_v2", (void *, size_t, unsigned), memory, sizeof(memory), 0);
	tally_shared(REGISTERED, result, sizeof(memory));
	result = CALL("cuMemAllocAsync", (CUdeviceptr *, size_t, CUstream), &ptr, MIB, NULL);
	tally_made(CUDA0, result, MIB);
}

static void try_handles(void)
{
	CUmemAllocationProp prop = {.type = 1, .location = {1, 0}};
	CUDA_ARRAY_DESCRIPTOR desc = {64, 64, 0x20, 1};
	CUmemGenericAllocationHandle handle = 0;
	CUarray array = NULL;
	CUresult result = CALL("cuMemCreate",
			       (CUmemGenericAllocationHandle *, size_t, const CUmemAllocationProp *,
				unsigned long long),
			       &handle, 2 * MIB, &prop, 0);

	tally_made(CUDA0, result, 2 * MIB);
	result =
	    CALL("cuArrayCreate_v2", (CUarray *, const CUDA_ARRAY_DESCRIPTOR *), &array, &desc);
	tally_made(CUDA0, result, 64 * 64 * 4);
}

/* What the runtime and others have from the driver's own linker is the function that is probed. */
static void try_linker(void)
{
	CUresult (*alloc)(CUdeviceptr *, size_t) = NULL;
	CUdeviceptr ptr = 0;
	int status = 0;

	tally_expect(CALL("cuGetProcAddress_v2", (const char *, void **, int, uint64_t, int *),
			  "cuMemAlloc", (void **)&alloc, 12000, 0, &status),
		     0, "cuGetProcAddress");
	tally_made(CUDA0, alloc(&ptr, 5 * MIB), 5 * MIB);
}

int main(void)
{
	library = dlopen("libcuda.so.1", RTLD_NOW);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	fprintf(stderr, "cuInit: %d\n", CALL("cuInit", (unsigned), 0));
	try_pointers();
	try_handles();
	try_linker();
	tally_write("cuda");
	return 0;
}
