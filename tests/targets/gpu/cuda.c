/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libcuda.so.1: contexts, and memory that cuMemFree() and its like free. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "driver.h"
#include "store.h"

#define CONTEXTS_MAX 32

struct CUctx_st {
	int device;
	bool live;
};

static struct CUctx_st contexts[CONTEXTS_MAX], primary[STORE_DEVICES];
static int primary_references[STORE_DEVICES];
static int context_count;
static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread CUcontext stack[CONTEXTS_MAX];
static __thread int depth;

static struct store pointers = STORE_AT(0x700000000000);
static struct store arrays = STORE_AT(0x1000), mipmaps = STORE_AT(0x1000);
static struct store external = STORE_AT(0x1000);

static CUcontext current(void)
{
	return depth && stack[depth - 1]->live ? stack[depth - 1] : NULL;
}

/* ---- contexts ---------------------------------------------------------------------- */

CUresult cuInit(unsigned flags)
{
	return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

static CUresult create(CUcontext *ctx, CUdevice device)
{
	if (device < 0 || device >= STORE_DEVICES)
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&context_lock);
	*ctx = &contexts[context_count++ % CONTEXTS_MAX];
	**ctx = (struct CUctx_st){device, true};
	pthread_mutex_unlock(&context_lock);
	stack[depth++] = *ctx;
	driver_change(device, DRIVER_CONTEXT_BYTES);
	return CUDA_SUCCESS;
}

CUresult cuCtxCreate_v2(CUcontext *ctx, unsigned flags, CUdevice device)
{
	(void)flags;
	return create(ctx, device);
}

CUresult cuCtxCreate_v4(CUcontext *ctx, void *params, unsigned flags, CUdevice device)
{
	(void)params;
	(void)flags;
	return create(ctx, device);
}

static void end_all(CUcontext ctx)
{
	store_end(&pointers, ctx);
	store_end(&arrays, ctx);
	store_end(&mipmaps, ctx);
	store_end(&external, ctx);
}

CUresult cuCtxDestroy_v2(CUcontext ctx)
{
	if (!ctx || !ctx->live)
		return CUDA_ERROR_INVALID_CONTEXT;
	end_all(ctx);
	if (depth && stack[depth - 1] == ctx)
		depth--;
	ctx->live = false;
	driver_change(ctx->device, -(int64_t)DRIVER_CONTEXT_BYTES);
	return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext ctx)
{
	stack[depth++] = ctx;
	return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *ctx)
{
	if (!depth)
		return CUDA_ERROR_INVALID_CONTEXT;
	*ctx = stack[--depth];
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext ctx)
{
	if (depth)
		depth--;
	if (ctx)
		stack[depth++] = ctx;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device)
{
	if (!current())
		return CUDA_ERROR_INVALID_CONTEXT;
	*device = current()->device;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice device)
{
	if (device < 0 || device >= STORE_DEVICES)
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&context_lock);
	primary[device] = (struct CUctx_st){device, true};
	primary_references[device]++;
	pthread_mutex_unlock(&context_lock);
	*ctx = &primary[device];
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
	bool last;

	pthread_mutex_lock(&context_lock);
	last = primary_references[device] == 1;
	if (primary_references[device])
		primary_references[device]--;
	pthread_mutex_unlock(&context_lock);
	if (last)
		end_all(&primary[device]);
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
	end_all(&primary[device]);
	return CUDA_SUCCESS;
}

/* ---- blocks ------------------------------------------------------------------------- */

static CUresult take(struct store *s, uint64_t *address, uint64_t size, int device)
{
	CUcontext ctx = current();

	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	*address = store_take(s, size, device, ctx);
	return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult take_here(CUdeviceptr *ptr, size_t size)
{
	uint64_t address;
	CUresult result = take(&pointers, &address, size, current() ? current()->device : 0);

	/* A call that fails leaves the pointer as it was. */
	if (!result)
		*ptr = address;
	return result;
}

static CUresult give(struct store *s, uint64_t address)
{
	return store_give(s, address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *ptr, size_t size)
{
	return take_here(ptr, size);
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *ptr, size_t *pitch, size_t width, size_t height,
			    unsigned element)
{
	(void)element;
	*pitch = (width + 511) & ~511ULL;
	/* As a driver may: through another function of its own. */
	return cuMemAlloc_v2(ptr, *pitch * height);
}

CUresult cuMemAllocManaged(CUdeviceptr *ptr, size_t size, unsigned flags)
{
	return flags ? take_here(ptr, size) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAllocAsync(CUdeviceptr *ptr, size_t size, CUstream stream)
{
	(void)stream;
	return cuMemAlloc_v2(ptr, size);
}

CUresult cuMemAllocAsync_ptsz(CUdeviceptr *ptr, size_t size, CUstream stream)
{
	return cuMemAllocAsync(ptr, size, stream);
}

/* A pool is its device's number, and one. */
CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *props)
{
	if (props->location.type != 1)
		return CUDA_ERROR_INVALID_VALUE;
	*pool = (CUmemoryPool)(uintptr_t)(0x100 + props->location.id);
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device)
{
	*pool = (CUmemoryPool)(uintptr_t)(0x200 + device);
	return CUDA_SUCCESS;
}

CUresult cuMemGetDefaultMemPool(CUmemoryPool *pool, CUmemLocation *location, int type)
{
	return location->type == 1 && type == 1 ? cuDeviceGetDefaultMemPool(pool, location->id)
						: CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *ptr, size_t size, CUmemoryPool pool, CUstream stream)
{
	uint64_t address = store_take(&pointers, size, (uintptr_t)pool & 0xff, current());

	(void)stream;
	if (!address)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*ptr = address;
	return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **ptr, size_t size, unsigned flags)
{
	uint64_t address;
	CUresult result = take(&pointers, &address, size, -1);

	(void)flags;
	if (!result)
		*ptr = (void *)address;
	return result;
}

CUresult cuMemAllocHost_v2(void **ptr, size_t size)
{
	return cuMemHostAlloc(ptr, size, 0);
}

CUresult cuMemFree_v2(CUdeviceptr ptr)
{
	return ptr ? give(&pointers, ptr) : CUDA_SUCCESS;
}

CUresult cuMemFreeAsync(CUdeviceptr ptr, CUstream stream)
{
	(void)stream;
	return cuMemFree_v2(ptr);
}

CUresult cuMemFreeHost(void *ptr)
{
	return give(&pointers, (uintptr_t)ptr);
}

/* ---- another's memory ------------------------------------------------------------------ */

/* What is registered is known by its own address: a table of one block is enough. */
static void *registered_at;

CUresult cuMemHostRegister_v2(void *ptr, size_t size, unsigned flags)
{
	(void)size;
	(void)flags;
	if (registered_at || !ptr)
		return CUDA_ERROR_INVALID_VALUE;
	registered_at = ptr;
	return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void *ptr)
{
	if (!ptr || registered_at != ptr)
		return CUDA_ERROR_INVALID_VALUE;
	registered_at = NULL;
	return CUDA_SUCCESS;
}

CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *ptr, CUipcMemHandle handle, unsigned flags)
{
	uint64_t address;
	CUresult result = handle.reserved[0] && flags == 1 ? take(&pointers, &address, 1, -1)
							   : CUDA_ERROR_INVALID_VALUE;

	if (!result)
		*ptr = address;
	return result;
}

CUresult cuIpcCloseMemHandle(CUdeviceptr ptr)
{
	return give(&pointers, ptr);
}

CUresult cuImportExternalMemory(CUexternalMemory *memory,
				const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *desc)
{
	return take(&external, (uint64_t *)memory, desc->size, -1);
}

CUresult cuExternalMemoryGetMappedBuffer(CUdeviceptr *ptr, CUexternalMemory memory,
					 const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *desc)
{
	uint64_t address;
	CUresult result = store_find(&external, (uintptr_t)memory)
			      ? take(&pointers, &address, desc->size, -1)
			      : CUDA_ERROR_INVALID_VALUE;

	if (!result)
		*ptr = address;
	return result;
}

CUresult cuExternalMemoryGetMappedMipmappedArray(CUmipmappedArray *array, CUexternalMemory memory,
						 const void *desc)
{
	return desc && store_find(&external, (uintptr_t)memory)
		   ? take(&mipmaps, (uint64_t *)array, 1, -1)
		   : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDestroyExternalMemory(CUexternalMemory memory)
{
	return give(&external, (uintptr_t)memory);
}

/* ---- arrays and graphs ------------------------------------------------------------------ */

static CUresult take_array(struct store *s, void **array, const void *desc)
{
	/* How large it is, is the driver's business. */
	return desc ? take(s, (uint64_t *)array, 1, -1) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuArrayCreate_v2(CUarray *array, const CUDA_ARRAY_DESCRIPTOR *desc)
{
	return desc->Width ? take_array(&arrays, array, desc) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuArray3DCreate_v2(CUarray *array, const CUDA_ARRAY3D_DESCRIPTOR *desc)
{
	return take_array(&arrays, array, desc);
}

CUresult cuArrayDestroy(CUarray array)
{
	return give(&arrays, (uintptr_t)array);
}

CUresult cuMipmappedArrayCreate(CUmipmappedArray *array, const CUDA_ARRAY3D_DESCRIPTOR *desc,
				unsigned levels)
{
	return levels ? take_array(&mipmaps, array, desc) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMipmappedArrayDestroy(CUmipmappedArray array)
{
	return give(&mipmaps, (uintptr_t)array);
}

CUresult cuGraphAddMemAllocNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *deps, size_t n,
				CUDA_MEM_ALLOC_NODE_PARAMS *params)
{
	uint64_t address;
	CUresult result = CUDA_ERROR_INVALID_VALUE;

	(void)deps;
	(void)n;
	if (params->poolProps.location.type == 1)
		result = take(&pointers, &address, params->bytesize, params->poolProps.location.id);
	if (result)
		return result;
	params->dptr = address;
	*node = graph;
	return CUDA_SUCCESS;
}

CUresult cuGraphAddMemFreeNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *deps, size_t n,
			       CUdeviceptr ptr)
{
	(void)deps;
	(void)n;
	*node = graph;
	return give(&pointers, ptr);
}

/* ---- its own linker ---------------------------------------------------------------------- */

/* As the driver's: a name without a suffix is that of the newest version it has. */
CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags,
			     int *status)
{
	static const char *const suffixes[] = {"_v2", ""};
	Dl_info self;
	char name[128];
	void *library;

	(void)version;
	(void)flags;
	*function = NULL;
	if (!dladdr((void *)cuInit, &self))
		return CUDA_ERROR_NOT_FOUND;
	library = dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NOW);
	for (int i = 0; library && i < 2 && !*function; i++) {
		snprintf(name, sizeof(name), "%s%s", symbol, suffixes[i]);
		*function = dlsym(library, name);
	}
	if (status)
		*status = *function ? 0 : 1;
	return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
