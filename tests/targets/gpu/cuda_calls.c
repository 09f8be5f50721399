/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every function of CUDA's driver that gives or takes memory: success, failure, frees that are
 * refused, contexts that end, two devices.
 *
 *   cuda_calls                every function
 *   cuda_calls card           those that a real driver with one device can be asked for
 *   cuda_calls threads N M    M calls in each of N threads, blocks freed by others
 *   cuda_calls attach         says `ready` with blocks held, waits for a line, goes on
 *   cuda_calls flood M        the same, then M pairs
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "tally.h"

#define MIB (1ULL << 20)
#define HUGE (1ULL << 40)

static const char *const devices[] = {CUDA0, CUDA1};
static int is_card; /* handles that are gone, and that never were, are the end of a real driver */

struct held {
	CUdeviceptr ptr;
	const char *device;
	uint64_t size;
	int result;
};

static struct held take(const char *device, uint64_t size)
{
	struct held h = {.ptr = 0x1000, .device = device, .size = size};

	h.result = cuMemAlloc_v2(&h.ptr, size);
	tally_made(device, h.result, size);
	return h;
}

static void give(const struct held *h)
{
	tally_freed(h->device, cuMemFree_v2(h->ptr), h->size);
}

/* ---- contexts and plain blocks ------------------------------------------------------ */

static void try_blocks(const char *device)
{
	struct held a = take(device, 3 * MIB), b = take(device, 1000),
		    too_much = take(device, HUGE);
	struct held zero = take(device, 0);

	tally_expect(too_much.result, CUDA_ERROR_OUT_OF_MEMORY, "more than there is");
	tally_expect(zero.result, CUDA_ERROR_INVALID_VALUE, "of no bytes");
	give(&a);
	tally_expect(cuMemFree_v2(a.ptr), CUDA_ERROR_INVALID_VALUE, "a second free");
	tally_expect(cuMemFree_v2(b.ptr + 1), CUDA_ERROR_INVALID_VALUE, "a free in the middle");
	tally_expect(cuMemFree_v2(0), CUDA_SUCCESS, "a free of nothing");
	a = take(device, 5 * MIB); /* at the address that was freed */
	give(&a);
	take(device, 12345); /* stays */
}

static void try_kinds(const char *device)
{
	CUdeviceptr ptr = 0;
	size_t pitch;
	void *host;

	tally_made(device, cuMemAllocPitch_v2(&ptr, &pitch, 1000, 33, 4), 1024 * 33);
	tally_freed(device, cuMemFree_v2(ptr), 1024 * 33);
	tally_made(device, cuMemAllocPitch_v2(&ptr, &pitch, 1, 7, 4), 512 * 7);
	tally_made(MANAGED, cuMemAllocManaged(&ptr, 2 * MIB, 1), 2 * MIB);
	tally_freed(MANAGED, cuMemFree_v2(ptr), 2 * MIB);
	tally_made(MANAGED, cuMemAllocManaged(&ptr, 3 * MIB, 0), 3 * MIB);
	tally_made(device, cuMemAllocAsync(&ptr, 4 * MIB, NULL), 4 * MIB);
	tally_freed(device, cuMemFreeAsync(ptr, NULL), 4 * MIB);
	tally_made(device, cuMemAllocAsync_ptsz(&ptr, 7777, NULL), 7777);
	tally_made(PINNED, cuMemAllocHost_v2(&host, 4096), 4096);
	tally_freed(PINNED, cuMemFreeHost(host), 4096);
	tally_made(PINNED, cuMemHostAlloc(&host, 8192, 2), 8192);
	tally_freed(PINNED, cuMemFreeHost((char *)host + 16), 8192);
	tally_freed(PINNED, cuMemFreeHost(host), 8192);
	tally_made(PINNED, cuMemHostAlloc(&host, 64, 0), 64);
}

static void try_pools(void)
{
	CUmemPoolProps props = {.allocType = 1, .location = {1, 1}};
	CUmemoryPool pool;
	CUdeviceptr ptr;

	/* A pool of the other device than that of the context. */
	tally_expect(cuMemPoolCreate(&pool, &props), 0, "a pool");
	tally_made(CUDA1, cuMemAllocFromPoolAsync(&ptr, MIB, pool, NULL), MIB);
	tally_freed(CUDA1, cuMemFreeAsync(ptr, NULL), MIB);
	tally_expect(cuDeviceGetDefaultMemPool(&pool, 0), 0, "the pool");
	tally_made(CUDA0, cuMemAllocFromPoolAsync(&ptr, MIB, pool, NULL), MIB);
	tally_made(CUDA0, cuMemAllocFromPoolAsync(&ptr, HUGE, pool, NULL), HUGE);
	tally_freed(CUDA0, cuMemFree_v2(ptr), MIB);
	tally_expect(cuMemGetDefaultMemPool(&pool, &props.location, 1), 0, "a place's pool");
	tally_made(CUDA1, cuMemAllocFromPoolAsync(&ptr, MIB, pool, NULL), MIB);
}

static void try_shared(void)
{
	static char memory[10000];
	CUDA_EXTERNAL_MEMORY_HANDLE_DESC desc = {.size = 9 * MIB};
	CUDA_EXTERNAL_MEMORY_BUFFER_DESC buffer = {.size = 4 * MIB};
	CUipcMemHandle handle = {{1}}, bad = {{0}};
	CUexternalMemory external;
	CUmipmappedArray mipmap;
	CUdeviceptr ptr, mapped;

	tally_shared(REGISTERED, cuMemHostRegister_v2(memory, sizeof(memory), 0), sizeof(memory));
	tally_shared(REGISTERED, cuMemHostRegister_v2(memory, sizeof(memory), 0), sizeof(memory));
	tally_unshared(REGISTERED, cuMemHostUnregister(memory + 1), sizeof(memory));
	tally_unshared(REGISTERED, cuMemHostUnregister(memory), sizeof(memory));
	tally_shared(IMPORTED, cuIpcOpenMemHandle_v2(&ptr, handle, 1), 0);
	tally_shared(IMPORTED, cuIpcOpenMemHandle_v2(&mapped, bad, 1), 0);
	tally_unshared(IMPORTED, cuIpcCloseMemHandle(ptr), 0);
	tally_shared(IMPORTED, cuImportExternalMemory(&external, &desc), desc.size);
	tally_shared(IMPORTED, cuExternalMemoryGetMappedBuffer(&mapped, external, &buffer), 0);
	tally_unshared(IMPORTED, cuMemFree_v2(mapped), 0);
	tally_shared(IMPORTED, cuExternalMemoryGetMappedMipmappedArray(&mipmap, external, memory),
		     0);
	tally_unshared(IMPORTED, cuMipmappedArrayDestroy(mipmap), 0);
	tally_unshared(IMPORTED, cuDestroyExternalMemory(external), desc.size);
	tally_shared(IMPORTED, cuImportExternalMemory(&external, &desc), desc.size);
}

static void try_arrays(const char *device)
{
	CUDA_ARRAY_DESCRIPTOR flat = {640, 480, 0x20, 4}, line = {1000, 0, 0x01, 1};
	CUDA_ARRAY3D_DESCRIPTOR cube = {16, 8, 4, 0x10, 2, 0}, layers = {32, 0, 6, 0x01, 1, 1};
	CUDA_ARRAY3D_DESCRIPTOR sparse = {1024, 1024, 0, 0x20, 4, 0x40};
	CUDA_ARRAY_DESCRIPTOR none = {0, 0, 0x20, 1};
	CUmipmappedArray mipmap;
	CUarray array;

	tally_made(device, cuArrayCreate_v2(&array, &flat), 640 * 480 * 16);
	tally_freed(device, cuArrayDestroy(array), 640 * 480 * 16);
	if (!is_card)
		tally_expect(cuArrayDestroy(array), CUDA_ERROR_INVALID_VALUE, "a second destroy");
	tally_made(device, cuArrayCreate_v2(&array, &line), 1000);
	tally_made(device, cuArrayCreate_v2(&array, &none), 0);
	tally_made(device, cuArray3DCreate_v2(&array, &cube), 16 * 8 * 4 * 4);
	tally_made(device, cuArray3DCreate_v2(&array, &layers), 32 * 6);
	tally_made(device, cuArray3DCreate_v2(&array, &sparse), 0);
	/* 16 * 8 * 4, 8 * 4 * 2, 4 * 2 * 1 */
	tally_made(device, cuMipmappedArrayCreate(&mipmap, &cube, 3), (512 + 64 + 8) * 4);
	tally_freed(device, cuMipmappedArrayDestroy(mipmap), (512 + 64 + 8) * 4);
	tally_made(device, cuMipmappedArrayCreate(&mipmap, &layers, 2), 32 * 6 + 16 * 6);
}

static void try_graph(const char *device)
{
	CUDA_MEM_ALLOC_NODE_PARAMS params = {.bytesize = 6 * MIB, .poolProps.location = {1, 0}};
	CUDA_MEM_ALLOC_NODE_PARAMS nowhere = {.bytesize = 6 * MIB};
	CUgraphNode node;
	CUgraph graph = &params;

	tally_made(device, cuGraphAddMemAllocNode(&node, graph, NULL, 0, &params), 6 * MIB);
	tally_freed(device, cuGraphAddMemFreeNode(&node, graph, NULL, 0, params.dptr), 6 * MIB);
	tally_made(device, cuGraphAddMemAllocNode(&node, graph, NULL, 0, &params), 6 * MIB);
	tally_freed(device, cuMemFreeAsync(params.dptr, NULL), 6 * MIB);
	tally_made(device, cuGraphAddMemAllocNode(&node, graph, NULL, 0, &nowhere), 6 * MIB);
}

/* Nodes of any type by one function, two versions of which have their arguments at other places. */
static void try_nodes(void)
{
	CUgraphNodeParams alloc = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC,
				   .alloc = {.bytesize = 9 * MIB, .poolProps.location = {1, 1}}};
	CUgraphNodeParams other = {.type = CU_GRAPH_NODE_TYPE_EMPTY};
	CUgraphNodeParams bad = {.type = CU_GRAPH_NODE_TYPE_KERNEL};
	CUgraphNodeParams release = {.type = CU_GRAPH_NODE_TYPE_MEM_FREE};
	CUgraphNode node;
	CUgraph graph = &alloc;
	char edges[8];

	tally_made(CUDA1, cuGraphAddNode(&node, graph, NULL, 0, &alloc), 9 * MIB);
	tally_expect(cuGraphAddNode(&node, graph, NULL, 0, &other), 0, "a node without memory");
	tally_expect(cuGraphAddNode(&node, graph, NULL, 0, &bad), 1, "one that is refused");
	release.free.dptr = alloc.alloc.dptr;
	tally_freed(CUDA1, cuGraphAddNode(&node, graph, NULL, 0, &release), 9 * MIB);
	alloc.alloc.bytesize = HUGE;
	tally_made(CUDA1, cuGraphAddNode(&node, graph, NULL, 0, &alloc), HUGE);
	alloc.alloc.bytesize = 5 * MIB;
	tally_made(CUDA1, cuGraphAddNode_v2(&node, graph, NULL, NULL, 0, &alloc), 5 * MIB);
	release.free.dptr = alloc.alloc.dptr;
	tally_expect(cuGraphAddNode_v2(&node, graph, NULL, edges, 0, &release), 1, "refused");
	tally_freed(CUDA1, cuGraphAddNode_v2(&node, graph, NULL, NULL, 0, &release), 5 * MIB);
	tally_made(CUDA1, cuGraphAddNode_v2(&node, graph, NULL, NULL, 0, &alloc), 5 * MIB);
}

/* What a context has goes with it, and nothing else does. */
static void try_context_end(void)
{
	CUdeviceptr ptr;
	CUcontext first, second, popped;
	void *host;

	tally_expect(cuCtxCreate_v2(&first, 0, 0), 0, "a context");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 100), 100);
	tally_expect(cuCtxCreate_v4(&second, NULL, 0, 1), 0, "a context of the other device");
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 200), 200);
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 300), 300);
	tally_made(PINNED, cuMemHostAlloc(&host, 400, 0), 400);
	tally_expect(cuCtxDestroy_v2(second), 0, "its end");
	tally_freed(CUDA1, 0, 200);
	tally_freed(CUDA1, 0, 300);
	tally_freed(PINNED, 0, 400);
	tally_expect(cuCtxDestroy_v2(second), CUDA_ERROR_INVALID_CONTEXT, "its second end");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 500), 500);
	tally_expect(cuCtxPopCurrent_v2(&popped), 0, "pop");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 600), 600); /* in the first of all */
	tally_expect(cuCtxPushCurrent_v2(first), 0, "push");
	tally_expect(cuCtxDestroy_v2(first), 0, "its end");
	tally_freed(CUDA0, 0, 100);
	tally_freed(CUDA0, 0, 500);
}

/* The context that all share goes with its last reference. */
static void try_primary(void)
{
	CUcontext ctx, again;
	CUdeviceptr ptr;

	tally_expect(cuDevicePrimaryCtxRetain(&ctx, 1), 0, "retain");
	tally_expect(cuDevicePrimaryCtxRetain(&again, 1), 0, "retain again");
	tally_expect(cuCtxSetCurrent(ctx), 0, "set");
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 700), 700);
	tally_expect(cuDevicePrimaryCtxRelease_v2(1), 0, "release");
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 800), 800);
	tally_expect(cuDevicePrimaryCtxRelease_v2(1), 0, "the last release");
	tally_freed(CUDA1, 0, 700);
	tally_freed(CUDA1, 0, 800);
	tally_expect(cuDevicePrimaryCtxRetain(&ctx, 1), 0, "retain");
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 900), 900);
	tally_expect(cuDevicePrimaryCtxReset_v2(1), 0, "reset");
	tally_freed(CUDA1, 0, 900);
	tally_made(CUDA1, cuMemAlloc_v2(&ptr, 1000), 1000);
}

/* The same of one device, as far as nothing has to be made up. */
static void try_card_contexts(void)
{
	CUcontext first, second, popped;
	CUdeviceptr ptr;
	void *host;

	tally_expect(cuCtxCreate_v2(&first, 0, 0), 0, "a context");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 100), 100);
	tally_expect(cuCtxCreate_v2(&second, 0, 0), 0, "another one");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 200), 200);
	tally_made(PINNED, cuMemHostAlloc(&host, 4096, 0), 4096);
	tally_expect(cuCtxDestroy_v2(second), 0, "its end");
	tally_freed(CUDA0, 0, 200);
	tally_freed(PINNED, 0, 4096);
	tally_expect(cuCtxPopCurrent_v2(&popped), 0, "pop");
	tally_made(CUDA0, cuMemAlloc_v2(&ptr, 600), 600); /* in the first of all */
	tally_expect(cuCtxDestroy_v2(first), 0, "its end");
	tally_freed(CUDA0, 0, 100);
}

static void try_card(void)
{
	static char memory[10000];
	CUcontext ctx;

	is_card = 1;
	tally_expect(cuInit(0), 0, "init");
	tally_expect(cuCtxCreate_v2(&ctx, 0, 0), 0, "a context");
	try_blocks(CUDA0);
	try_kinds(CUDA0);
	try_arrays(CUDA0);
	tally_shared(REGISTERED, cuMemHostRegister_v2(memory, sizeof(memory), 0), sizeof(memory));
	tally_shared(REGISTERED, cuMemHostRegister_v2(memory, sizeof(memory), 0), sizeof(memory));
	tally_unshared(REGISTERED, cuMemHostUnregister(memory), sizeof(memory));
	try_card_contexts();
}

static void try_all(void)
{
	CUcontext ctx;

	tally_expect(cuInit(0), 0, "init");
	tally_made(CUDA0, cuMemAlloc_v2(&(CUdeviceptr){0}, 1), 1); /* without a context */
	tally_expect(cuCtxCreate_v2(&ctx, 0, 0), 0, "a context");
	try_blocks(CUDA0);
	try_kinds(CUDA0);
	try_pools();
	try_shared();
	try_arrays(CUDA0);
	try_graph(CUDA0);
	try_nodes();
	try_context_end();
	try_primary();
}

/* ---- threads --------------------------------------------------------------------------- */

static struct held shelf[64];
static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static int thread_calls;

/* Puts a block where another thread takes it, and gives back what was there. */
static struct held swap(int place, struct held h)
{
	struct held old;

	pthread_mutex_lock(&shelf_lock);
	old = shelf[place];
	shelf[place] = h;
	pthread_mutex_unlock(&shelf_lock);
	return old;
}

static void *run(void *number)
{
	unsigned seed = (unsigned)(uintptr_t)number;
	int device = (int)((uintptr_t)number % 2);
	CUcontext ctx;

	tally_expect(cuDevicePrimaryCtxRetain(&ctx, device), 0, "retain");
	tally_expect(cuCtxSetCurrent(ctx), 0, "set");
	for (int i = 0; i < thread_calls; i++) {
		int place = rand_r(&seed) % 64;
		struct held old = swap(place, take(devices[device], 1 + rand_r(&seed) % 100000));

		if (old.size && !old.result)
			give(&old);
	}
	return NULL;
}

static void threads(int count)
{
	pthread_t ids[64];

	for (int i = 0; i < count; i++)
		if (pthread_create(&ids[i], NULL, run, (void *)(uintptr_t)i))
			exit(1);
	for (int i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
}

/* ---- traced from the middle of its life -------------------------------------------------- */

static void attached(int asks, int pairs)
{
	struct held before, after;
	CUcontext ctx;
	CUdevice device;
	char word[8];

	tally_expect(cuInit(0), 0, "init");
	tally_expect(cuCtxCreate_v2(&ctx, 0, asks ? 1 : 0), 0, "a context");
	before = take(devices[asks], 4321);
	tally_signal("ready");
	if (!fgets(word, sizeof(word), stdin))
		exit(1);
	tally_reset();
	if (asks)
		tally_expect(cuCtxGetDevice(&device), 0, "the device");
	after = take(devices[asks], 1111);
	take(devices[asks], 2222);
	tally_expect(cuMemFree_v2(before.ptr), 0, "a free of what was there before");
	tally_unknown();
	give(&after);
	for (int i = 0; i < pairs; i++) {
		after = take(devices[asks], 64);
		give(&after);
	}
	tally_write("cuda");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "threads")) {
		thread_calls = atoi(argv[3]);
		threads(atoi(argv[2]));
	} else if (!strcmp(mode, "attach") || !strcmp(mode, "flood")) {
		attached(argc > 2 && !strcmp(argv[2], "asks"),
			 !strcmp(mode, "flood") ? atoi(argv[2]) : 0);
		return 0;
	} else if (!strcmp(mode, "card")) {
		try_card();
	} else {
		try_all();
	}
	tally_write("cuda");
	return 0;
}
