/* SPDX-License-Identifier: GPL-2.0 */
/* What the double of Level Zero's loader has of the public interface. */
#ifndef ZE_DOUBLE_H
#define ZE_DOUBLE_H

#include <stddef.h>
#include <stdint.h>

typedef int ze_result_t;
typedef void *ze_handle_t;

enum {
	ZE_RESULT_SUCCESS = 0,
	ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY = 0x70000003,
	ZE_RESULT_ERROR_INVALID_ARGUMENT = 0x78000004,
};

typedef struct {
	int stype;
	const void *pNext;
	uint32_t flags, ordinal;
} ze_device_mem_alloc_desc_t;
typedef struct {
	int stype;
	const void *pNext;
	uint32_t flags;
} ze_host_mem_alloc_desc_t;
typedef struct {
	int stype;
	const void *pNext;
	uint32_t flags;
	size_t size;
} ze_physical_mem_desc_t;
typedef struct {
	int stype;
	const void *pNext;
	uint32_t flags;
	int type;
	struct {
		int layout, type, x, y, z, w;
	} format;
	uint64_t width;
	uint32_t height, depth, arraylevels, miplevels;
} ze_image_desc_t;
typedef struct {
	char data[64];
} ze_ipc_mem_handle_t;

ze_result_t zeDeviceGet(ze_handle_t driver, uint32_t *count, ze_handle_t *devices);
ze_result_t zeMemAllocDevice(ze_handle_t context, const ze_device_mem_alloc_desc_t *desc,
			     size_t size, size_t alignment, ze_handle_t device, void **ptr);
ze_result_t zeMemAllocHost(ze_handle_t context, const ze_host_mem_alloc_desc_t *desc, size_t size,
			   size_t alignment, void **ptr);
ze_result_t zeMemAllocShared(ze_handle_t context, const ze_device_mem_alloc_desc_t *device_desc,
			     const ze_host_mem_alloc_desc_t *host_desc, size_t size,
			     size_t alignment, ze_handle_t device, void **ptr);
ze_result_t zeMemFree(ze_handle_t context, void *ptr);
ze_result_t zeMemFreeExt(ze_handle_t context, const void *desc, void *ptr);
ze_result_t zeMemOpenIpcHandle(ze_handle_t context, ze_handle_t device, ze_ipc_mem_handle_t handle,
			       uint32_t flags, void **ptr);
ze_result_t zeMemCloseIpcHandle(ze_handle_t context, const void *ptr);
ze_result_t zePhysicalMemCreate(ze_handle_t context, ze_handle_t device,
				ze_physical_mem_desc_t *desc, ze_handle_t *memory);
ze_result_t zePhysicalMemDestroy(ze_handle_t context, ze_handle_t memory);
ze_result_t zeVirtualMemMap(ze_handle_t context, const void *ptr, size_t size, ze_handle_t memory,
			    size_t offset, int access);
ze_result_t zeVirtualMemUnmap(ze_handle_t context, const void *ptr, size_t size);
ze_result_t zeImageCreate(ze_handle_t context, ze_handle_t device, const ze_image_desc_t *desc,
			  ze_handle_t *image);
ze_result_t zeImageViewCreateExt(ze_handle_t context, ze_handle_t device,
				 const ze_image_desc_t *desc, ze_handle_t image, ze_handle_t *view);
ze_result_t zeImageDestroy(ze_handle_t image);

#endif
