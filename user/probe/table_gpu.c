/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the gpu layer: the lowest interface that a program's memory of a device comes
 * through.  What ends in it (the CUDA runtime, HIP) has no rows: it is in the stacks.
 */
#include "probe/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Words for the rows below; numbers are arguments, counted from 1. */
#define ALLOC .kind = MS_KIND_ALLOC, .zero_is_ok = 1
#define FREE(block) .kind = MS_KIND_FREE, .zero_is_ok = 1, .ptr_arg = block
#define CALL .kind = MS_KIND_CALL, .zero_is_ok = 1
#define OUT(pointer) .ptr_arg = pointer, .ptr_out = 1
#define GIVEN(address) .ptr_arg = address
#define SIZE(bytes) .size_arg = bytes
#define SIZE_AT(pointer) .size_arg = pointer, .size_out = 1
#define TIMES(factor) .size_arg2 = factor
/* So many words at this byte of a structure. */
#define WORDS(pointer, byte, words) .desc_arg = pointer, .desc_at = byte, .desc_nr = words
/* OpenCL returns what it makes. */
#define MAKES .kind = MS_KIND_ALLOC
#define RETURNS .kind = MS_KIND_CALL
#define VOID_FREE(block) .kind = MS_KIND_FREE, .ptr_arg = block

#define IN(name) .space = GPU_SPACE_##name
#define AT(name) .place = GPU_PLACE_##name
#define DOES(name) .what = GPU_##name
#define OF(argument) .of_arg = argument
#define OF_IN(argument, name) .of_arg = argument, .of_space = GPU_SPACE_##name
#define BY(name) .size = GPU_SIZE_##name
#define SHARED .shared = true
#define IN_CONTEXT .in_context = true

/* What is read of the call, and what it does. */
#define SPEC(...) .spec = {.layer = MS_LAYER_GPU, __VA_ARGS__}
#define MEANS(...) .gpu = {__VA_ARGS__}
#define ROW(name, ...)                                                                             \
	{                                                                                          \
		.symbol = name, __VA_ARGS__                                                        \
	}

#define CUDA_BLOCK IN(CUDA), AT(CUDA), IN_CONTEXT
#define CUDA_POOLED IN(CUDA), AT(CUDA), OF(3), IN_CONTEXT
#define CUDA_IMPORTED IN(CUDA), AT(IMPORTED), SHARED, IN_CONTEXT
/* CUDA_ARRAY_DESCRIPTOR, CUDA_ARRAY3D_DESCRIPTOR, CUmemLocation behind the types */
#define ARRAY(pointer) WORDS(pointer, 0, 3)
#define ARRAY_3D(pointer) WORDS(pointer, 0, 5)
#define LOCATION(pointer) WORDS(pointer, 8, 1)

#define CL_BUFFER IN(CL_OBJECT), AT(OPENCL)
#define CL_TEXELS(by, flags) CL_BUFFER, BY(by), .flags_arg = flags
#define CL_IMAGE_DESC(pointer) WORDS(pointer, 0, 9)

const struct probe_row probe_gpu_rows[] = {
    /*
     * CUDA's driver.  Names without a suffix are the interface before CUDA 3.2; those with _ptsz
     * are for programs whose default stream is the thread's.
     */
    ROW("cuMemAlloc_v2", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(CUDA_BLOCK)),
    ROW("cuMemAllocPitch_v2", SPEC(ALLOC, OUT(1), SIZE_AT(2), TIMES(4)),
	MEANS(CUDA_BLOCK, BY(VALUE))),
    ROW("cuMemAllocManaged", SPEC(ALLOC, OUT(1), SIZE(2)),
	MEANS(IN(CUDA), AT(MANAGED), IN_CONTEXT)),
    ROW("cuMemAllocAsync", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(CUDA_BLOCK)),
    ROW("cuMemAllocAsync_ptsz", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(CUDA_BLOCK)),
    ROW("cuMemAllocFromPoolAsync", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(CUDA_POOLED)),
    ROW("cuMemAllocFromPoolAsync_ptsz", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(CUDA_POOLED)),
    ROW("cuMemAllocHost_v2", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(IN(CUDA), AT(PINNED), IN_CONTEXT)),
    ROW("cuMemHostAlloc", SPEC(ALLOC, OUT(1), SIZE(2)), MEANS(IN(CUDA), AT(PINNED), IN_CONTEXT)),
    ROW("cuMemFree_v2", SPEC(FREE(1)), MEANS(IN(CUDA))),
    ROW("cuMemFreeAsync", SPEC(FREE(1)), MEANS(IN(CUDA))),
    ROW("cuMemFreeAsync_ptsz", SPEC(FREE(1)), MEANS(IN(CUDA))),
    ROW("cuMemFreeHost", SPEC(FREE(1)), MEANS(IN(CUDA))),
    /* Memory of a graph: from its node on, as launches take and give it again and again. */
    ROW("cuGraphAddMemAllocNode", SPEC(ALLOC, WORDS(5, 0, 15)),
	MEANS(CUDA_BLOCK, BY(NODE), .located = true)),
    ROW("cuGraphAddMemFreeNode", SPEC(FREE(5)), MEANS(IN(CUDA))),
    ROW("cuGraphAddNode", SPEC(ALLOC, WORDS(5, 0, 17)),
	MEANS(DOES(NODE), CUDA_BLOCK, BY(NODE), .located = true)),
    ROW("cuGraphAddNode_v2", SPEC(ALLOC, WORDS(6, 0, 17)),
	MEANS(DOES(NODE), CUDA_BLOCK, BY(NODE), .located = true)),
    /* Memory that is there already, or another's. */
    ROW("cuMemHostRegister_v2", SPEC(ALLOC, GIVEN(1), SIZE(2)),
	MEANS(IN(CUDA_HOST), AT(REGISTERED), SHARED, IN_CONTEXT)),
    ROW("cuMemHostUnregister", SPEC(FREE(1)), MEANS(IN(CUDA_HOST))),
    ROW("cuIpcOpenMemHandle_v2", SPEC(ALLOC, OUT(1)), MEANS(CUDA_IMPORTED)),
    ROW("cuIpcCloseMemHandle", SPEC(FREE(1)), MEANS(IN(CUDA))),
    ROW("cuMemPoolImportPointer", SPEC(ALLOC, OUT(1)), MEANS(CUDA_IMPORTED)),
    ROW("cuImportExternalMemory", SPEC(ALLOC, OUT(1), WORDS(2, 24, 1)),
	MEANS(IN(CUDA_EXTERNAL), AT(IMPORTED), SHARED, IN_CONTEXT, BY(WORD))),
    ROW("cuDestroyExternalMemory", SPEC(FREE(1)), MEANS(IN(CUDA_EXTERNAL))),
    ROW("cuExternalMemoryGetMappedBuffer", SPEC(ALLOC, OUT(1)), MEANS(CUDA_IMPORTED)),
    ROW("cuExternalMemoryGetMappedMipmappedArray", SPEC(ALLOC, OUT(1)),
	MEANS(IN(CUDA_MIPMAP), AT(IMPORTED), SHARED, IN_CONTEXT)),
    /* Physical memory, by handle, and what it is mapped to. */
    ROW("cuMemCreate", SPEC(ALLOC, OUT(1), SIZE(2), LOCATION(3)),
	MEANS(IN(CUDA_PHYSICAL), AT(CUDA), .located = true)),
    ROW("cuMemImportFromShareableHandle", SPEC(ALLOC, OUT(1)),
	MEANS(IN(CUDA_PHYSICAL), AT(IMPORTED), SHARED)),
    /*
     * A handle like those of memory, mapped and released like them.  What is bound to it
     * keeps its own handle or mapping for as long as it is used, by what NCCL does.
     */
    ROW("cuMulticastCreate", SPEC(ALLOC, OUT(1), WORDS(2, 8, 1)),
	MEANS(IN(CUDA_PHYSICAL), AT(MULTICAST), SHARED, BY(WORD))),
    ROW("cuMemRetainAllocationHandle", SPEC(CALL, OUT(1)),
	MEANS(DOES(HANDLE), IN(CUDA_PHYSICAL), OF_IN(2, CUDA_MAP))),
    ROW("cuMemRelease", SPEC(FREE(1)), MEANS(IN(CUDA_PHYSICAL))),
    ROW("cuMemMap", SPEC(CALL, GIVEN(1), SIZE(2)),
	MEANS(DOES(MAP), IN(CUDA_MAP), OF_IN(4, CUDA_PHYSICAL))),
    ROW("cuMemUnmap", SPEC(FREE(1), SIZE(2)), MEANS(DOES(UNMAP), IN(CUDA_MAP))),
    ROW("cuArrayCreate_v2", SPEC(ALLOC, OUT(1), ARRAY(2)),
	MEANS(IN(CUDA_ARRAY), AT(CUDA), IN_CONTEXT, BY(CUDA_ARRAY))),
    ROW("cuArray3DCreate_v2", SPEC(ALLOC, OUT(1), ARRAY_3D(2)),
	MEANS(IN(CUDA_ARRAY), AT(CUDA), IN_CONTEXT, BY(CUDA_ARRAY_3D))),
    ROW("cuArrayDestroy", SPEC(FREE(1)), MEANS(IN(CUDA_ARRAY))),
    ROW("cuMipmappedArrayCreate", SPEC(ALLOC, OUT(1), ARRAY_3D(2), SIZE(3)),
	MEANS(IN(CUDA_MIPMAP), AT(CUDA), IN_CONTEXT, BY(CUDA_MIPMAP))),
    ROW("cuMipmappedArrayDestroy", SPEC(FREE(1)), MEANS(IN(CUDA_MIPMAP))),
    /* Which device a call is about. */
    ROW("cuCtxCreate_v2", SPEC(CALL, OUT(1)), MEANS(DOES(CONTEXT), OF(3))),
    ROW("cuCtxCreate_v3", SPEC(CALL, OUT(1)), MEANS(DOES(CONTEXT), OF(5))),
    ROW("cuCtxCreate_v4", SPEC(CALL, OUT(1)), MEANS(DOES(CONTEXT), OF(4))),
    ROW("cuCtxDestroy_v2", SPEC(FREE(1)), MEANS(DOES(CONTEXT_END))),
    ROW("cuCtxPushCurrent_v2", SPEC(CALL, GIVEN(1)), MEANS(DOES(CONTEXT_PUSH))),
    ROW("cuCtxPopCurrent_v2", SPEC(CALL, GIVEN(1)), MEANS(DOES(CONTEXT_POP))),
    ROW("cuCtxSetCurrent", SPEC(CALL, GIVEN(1)), MEANS(DOES(CONTEXT_SET))),
    ROW("cuCtxGetDevice", SPEC(CALL, OUT(1)), MEANS(DOES(CONTEXT_DEVICE))),
    ROW("cuDevicePrimaryCtxRetain", SPEC(CALL, OUT(1)), MEANS(DOES(PRIMARY), OF(2))),
    ROW("cuDevicePrimaryCtxRelease_v2", SPEC(FREE(1)), MEANS(DOES(PRIMARY_RELEASE))),
    ROW("cuDevicePrimaryCtxReset_v2", SPEC(FREE(1)), MEANS(DOES(PRIMARY_RESET))),
    ROW("cuMemPoolCreate", SPEC(CALL, OUT(1), LOCATION(2)), MEANS(DOES(POOL), .located = true)),
    ROW("cuDeviceGetDefaultMemPool", SPEC(CALL, OUT(1)), MEANS(DOES(POOL), OF(2))),
    ROW("cuDeviceGetMemPool", SPEC(CALL, OUT(1)), MEANS(DOES(POOL), OF(2))),
    ROW("cuMemGetDefaultMemPool", SPEC(CALL, OUT(1), WORDS(2, 0, 1)),
	MEANS(DOES(POOL), .located = true)),
    ROW("cuMemGetMemPool", SPEC(CALL, OUT(1), WORDS(2, 0, 1)), MEANS(DOES(POOL), .located = true)),

    /* HSA, which HIP ends in. */
    ROW("hsa_amd_memory_pool_allocate", SPEC(ALLOC, OUT(4), SIZE(2)),
	MEANS(IN(HSA), AT(HSA_POOL), OF(1))),
    ROW("hsa_amd_memory_pool_free", SPEC(FREE(1)), MEANS(IN(HSA))),
    ROW("hsa_memory_allocate", SPEC(ALLOC, OUT(3), SIZE(2)), MEANS(IN(HSA), AT(HSA_POOL), OF(1))),
    ROW("hsa_memory_free", SPEC(FREE(1)), MEANS(IN(HSA))),
    ROW("hsa_amd_memory_lock", SPEC(ALLOC, GIVEN(1), SIZE(2)),
	MEANS(IN(HSA_HOST), AT(REGISTERED), SHARED)),
    ROW("hsa_amd_memory_lock_to_pool", SPEC(ALLOC, GIVEN(1), SIZE(2)),
	MEANS(IN(HSA_HOST), AT(REGISTERED), SHARED)),
    ROW("hsa_amd_memory_unlock", SPEC(FREE(1)), MEANS(IN(HSA_HOST))),
    /* hsa_amd_svm_attributes_set() has no row: it says where the process's memory may go, again and
     * again, and gives none. */
    ROW("hsa_memory_register", SPEC(ALLOC, GIVEN(1), SIZE(2)),
	MEANS(IN(HSA_HOST), AT(REGISTERED), SHARED)),
    ROW("hsa_memory_deregister", SPEC(FREE(1)), MEANS(IN(HSA_HOST))),
    ROW("hsa_amd_ipc_memory_attach", SPEC(ALLOC, OUT(5), SIZE(2)),
	MEANS(IN(HSA), AT(IMPORTED), SHARED)),
    ROW("hsa_amd_ipc_memory_detach", SPEC(FREE(1)), MEANS(IN(HSA))),
    ROW("hsa_amd_interop_map_buffer", SPEC(ALLOC, OUT(6), SIZE_AT(5)),
	MEANS(IN(HSA), AT(IMPORTED), SHARED, BY(VALUE))),
    ROW("hsa_amd_interop_unmap_buffer", SPEC(FREE(1)), MEANS(IN(HSA))),
    ROW("hsa_amd_vmem_handle_create", SPEC(ALLOC, OUT(5), SIZE(2)),
	MEANS(IN(HSA_PHYSICAL), AT(HSA_POOL), OF(1))),
    ROW("hsa_amd_vmem_import_shareable_handle", SPEC(ALLOC, OUT(2)),
	MEANS(IN(HSA_PHYSICAL), AT(IMPORTED), SHARED)),
    ROW("hsa_amd_vmem_retain_alloc_handle", SPEC(CALL, OUT(1)),
	MEANS(DOES(HANDLE), IN(HSA_PHYSICAL), OF_IN(2, HSA_MAP))),
    ROW("hsa_amd_vmem_handle_release", SPEC(FREE(1)), MEANS(IN(HSA_PHYSICAL))),
    ROW("hsa_amd_vmem_map", SPEC(CALL, GIVEN(1), SIZE(2)),
	MEANS(DOES(MAP), IN(HSA_MAP), OF_IN(4, HSA_PHYSICAL))),
    ROW("hsa_amd_vmem_unmap", SPEC(FREE(1), SIZE(2)), MEANS(DOES(UNMAP), IN(HSA_MAP))),

    /* Level Zero, which SYCL ends in. */
    ROW("zeDeviceGet", SPEC(CALL, SIZE_AT(2), WORDS(3, 0, 8)), MEANS(DOES(DEVICES))),
    ROW("zeMemAllocDevice", SPEC(ALLOC, OUT(6), SIZE(3)), MEANS(IN(ZE), AT(ZE), OF(5))),
    ROW("zeMemAllocHost", SPEC(ALLOC, OUT(5), SIZE(3)), MEANS(IN(ZE), AT(PINNED))),
    ROW("zeMemAllocShared", SPEC(ALLOC, OUT(7), SIZE(4)), MEANS(IN(ZE), AT(MANAGED))),
    ROW("zeMemFree", SPEC(FREE(2)), MEANS(IN(ZE))),
    ROW("zeMemFreeExt", SPEC(FREE(3)), MEANS(IN(ZE))),
    ROW("zeMemOpenIpcHandle", SPEC(ALLOC, OUT(4)), MEANS(IN(ZE), AT(IMPORTED), SHARED)),
    ROW("zeMemCloseIpcHandle", SPEC(FREE(2)), MEANS(IN(ZE))),
    ROW("zePhysicalMemCreate", SPEC(ALLOC, OUT(4), WORDS(3, 24, 1)),
	MEANS(IN(ZE_PHYSICAL), AT(ZE), OF(2), BY(WORD))),
    ROW("zePhysicalMemDestroy", SPEC(FREE(2)), MEANS(IN(ZE_PHYSICAL))),
    ROW("zeVirtualMemMap", SPEC(CALL, GIVEN(2), SIZE(3)),
	MEANS(DOES(MAP), IN(ZE_MAP), OF_IN(4, ZE_PHYSICAL))),
    ROW("zeVirtualMemUnmap", SPEC(FREE(2), SIZE(3)), MEANS(DOES(UNMAP), IN(ZE_MAP))),
    ROW("zeImageCreate", SPEC(ALLOC, OUT(4), WORDS(3, 16, 7)),
	MEANS(IN(ZE_IMAGE), AT(ZE), OF(2), BY(ZE_IMAGE))),
    ROW("zeImageViewCreateExt", SPEC(CALL, OUT(5)),
	MEANS(DOES(PART), IN(ZE_IMAGE), OF_IN(4, ZE_IMAGE))),
    ROW("zeImageViewCreateExp", SPEC(CALL, OUT(5)),
	MEANS(DOES(PART), IN(ZE_IMAGE), OF_IN(4, ZE_IMAGE))),
    ROW("zeImageDestroy", SPEC(FREE(1)), MEANS(IN(ZE_IMAGE))),

    /* OpenCL: a buffer is of a context, not of a device. */
    ROW("clCreateBuffer", SPEC(MAKES, SIZE(3)), MEANS(CL_BUFFER, .flags_arg = 2)),
    ROW("clCreateBufferWithProperties", SPEC(MAKES, SIZE(4)), MEANS(CL_BUFFER, .flags_arg = 3)),
    ROW("clCreateSubBuffer", SPEC(RETURNS), MEANS(DOES(PART), IN(CL_OBJECT), OF_IN(1, CL_OBJECT))),
    ROW("clCreateImage", SPEC(MAKES, SIZE_AT(3), CL_IMAGE_DESC(4)), MEANS(CL_TEXELS(CL_IMAGE, 2))),
    ROW("clCreateImageWithProperties", SPEC(MAKES, SIZE_AT(4), CL_IMAGE_DESC(5)),
	MEANS(CL_TEXELS(CL_IMAGE, 3))),
    ROW("clCreateImage2D", SPEC(MAKES, SIZE_AT(3)), MEANS(CL_TEXELS(CL_IMAGE_2D, 2))),
    ROW("clCreateImage3D", SPEC(MAKES, SIZE_AT(3)), MEANS(CL_TEXELS(CL_IMAGE_3D, 2))),
    ROW("clCreatePipe", SPEC(MAKES, SIZE(3), TIMES(4)), MEANS(CL_BUFFER, BY(CL_PIPE))),
    ROW("clRetainMemObject", SPEC(CALL, GIVEN(1)), MEANS(DOES(RETAIN), IN(CL_OBJECT))),
    ROW("clReleaseMemObject", SPEC(FREE(1)), MEANS(IN(CL_OBJECT))),
    ROW("clSVMAlloc", SPEC(MAKES, SIZE(3)), MEANS(IN(CL_SVM), AT(OPENCL))),
    ROW("clSVMFree", SPEC(VOID_FREE(2)), MEANS(IN(CL_SVM))),
    ROW("clEnqueueSVMFree", SPEC(FREE(3), SIZE(2), WORDS(3, 0, 10)), MEANS(DOES(LIST), IN(CL_SVM))),
};

const size_t probe_gpu_count = COUNT(probe_gpu_rows);
