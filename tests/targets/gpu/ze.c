/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libze_loader.so.1. */
#include "store.h"
#include "ze.h"

static struct store pointers = STORE_AT(0x7d0000000000);
static struct store physicals = STORE_AT(0x100), images = STORE_AT(0x100);
static char devices[STORE_DEVICES];

static int number_of(ze_handle_t device)
{
	return (int)((char *)device - devices);
}

static ze_result_t take(struct store *s, size_t size, int device, void **out)
{
	uint64_t address = size ? store_take(s, size, device, NULL) : 0;

	if (!address)
		return size ? ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY
			    : ZE_RESULT_ERROR_INVALID_ARGUMENT;
	*out = (void *)address;
	return ZE_RESULT_SUCCESS;
}

static ze_result_t give(struct store *s, const void *address)
{
	return store_give(s, (uintptr_t)address) ? ZE_RESULT_SUCCESS
						 : ZE_RESULT_ERROR_INVALID_ARGUMENT;
}

ze_result_t zeDeviceGet(ze_handle_t driver, uint32_t *count, ze_handle_t *out)
{
	(void)driver;
	if (!*count || *count > STORE_DEVICES)
		*count = STORE_DEVICES;
	for (uint32_t i = 0; out && i < *count; i++)
		out[i] = &devices[i];
	return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemAllocDevice(ze_handle_t context, const ze_device_mem_alloc_desc_t *desc,
			     size_t size, size_t alignment, ze_handle_t device, void **ptr)
{
	(void)context;
	(void)desc;
	(void)alignment;
	return take(&pointers, size, number_of(device), ptr);
}

ze_result_t zeMemAllocHost(ze_handle_t context, const ze_host_mem_alloc_desc_t *desc, size_t size,
			   size_t alignment, void **ptr)
{
	(void)context;
	(void)desc;
	(void)alignment;
	return take(&pointers, size, -1, ptr);
}

ze_result_t zeMemAllocShared(ze_handle_t context, const ze_device_mem_alloc_desc_t *device_desc,
			     const ze_host_mem_alloc_desc_t *host_desc, size_t size,
			     size_t alignment, ze_handle_t device, void **ptr)
{
	(void)context;
	(void)device_desc;
	(void)host_desc;
	(void)alignment;
	(void)device;
	return take(&pointers, size, -1, ptr);
}

ze_result_t zeMemFree(ze_handle_t context, void *ptr)
{
	(void)context;
	return give(&pointers, ptr);
}

ze_result_t zeMemFreeExt(ze_handle_t context, const void *desc, void *ptr)
{
	(void)desc;
	return zeMemFree(context, ptr);
}

ze_result_t zeMemOpenIpcHandle(ze_handle_t context, ze_handle_t device, ze_ipc_mem_handle_t handle,
			       uint32_t flags, void **ptr)
{
	(void)context;
	(void)device;
	(void)flags;
	return take(&pointers, (size_t)handle.data[0], -1, ptr);
}

ze_result_t zeMemCloseIpcHandle(ze_handle_t context, const void *ptr)
{
	(void)context;
	return give(&pointers, ptr);
}

ze_result_t zePhysicalMemCreate(ze_handle_t context, ze_handle_t device,
				ze_physical_mem_desc_t *desc, ze_handle_t *memory)
{
	(void)context;
	return take(&physicals, desc->size, number_of(device), memory);
}

ze_result_t zePhysicalMemDestroy(ze_handle_t context, ze_handle_t memory)
{
	(void)context;
	return give(&physicals, memory);
}

static struct store_block *mapped;

ze_result_t zeVirtualMemMap(ze_handle_t context, const void *ptr, size_t size, ze_handle_t memory,
			    size_t offset, int access)
{
	struct store_block *block = store_find(&physicals, (uintptr_t)memory);

	(void)context;
	(void)access;
	if (!ptr || !size || offset || !block || mapped)
		return ZE_RESULT_ERROR_INVALID_ARGUMENT;
	mapped = block;
	store_use(block);
	return ZE_RESULT_SUCCESS;
}

ze_result_t zeVirtualMemUnmap(ze_handle_t context, const void *ptr, size_t size)
{
	(void)context;
	if (!ptr || !size || !mapped)
		return ZE_RESULT_ERROR_INVALID_ARGUMENT;
	store_unuse(mapped);
	mapped = NULL;
	return ZE_RESULT_SUCCESS;
}

ze_result_t zeImageCreate(ze_handle_t context, ze_handle_t device, const ze_image_desc_t *desc,
			  ze_handle_t *image)
{
	(void)context;
	return take(&images, desc->width ? 1 : 0, number_of(device), image);
}

ze_result_t zeImageViewCreateExt(ze_handle_t context, ze_handle_t device,
				 const ze_image_desc_t *desc, ze_handle_t image, ze_handle_t *view)
{
	return store_find(&images, (uintptr_t)image) ? zeImageCreate(context, device, desc, view)
						     : ZE_RESULT_ERROR_INVALID_ARGUMENT;
}

ze_result_t zeImageDestroy(ze_handle_t image)
{
	return give(&images, image);
}
