/* SPDX-License-Identifier: GPL-2.0 */
/* Level Zero: device, host and shared memory, by handle, images. */
#include "tally.h"
#include "ze.h"

#define HUGE (1ULL << 40)
#define ZE0 "ze:0"
#define ZE1 "ze:1"

static void try_pointers(ze_handle_t *devices)
{
	ze_ipc_mem_handle_t handle = {{8}};
	void *a, *b;

	/* The second device first: its number is that of the driver's list. */
	tally_made(ZE1, zeMemAllocDevice(0, 0, 1000, 0, devices[1], &a), 1000);
	tally_made(ZE0, zeMemAllocDevice(0, 0, 2000, 0, devices[0], &b), 2000);
	tally_freed(ZE1, zeMemFree(0, (char *)a + 8), 1000);
	tally_freed(ZE1, zeMemFree(0, a), 1000);
	tally_expect(zeMemFree(0, a), ZE_RESULT_ERROR_INVALID_ARGUMENT, "a second free");
	tally_made(ZE0, zeMemAllocDevice(0, 0, HUGE, 0, devices[0], &a), HUGE);
	tally_made(PINNED, zeMemAllocHost(0, 0, 3000, 64, &a), 3000);
	tally_freed(PINNED, zeMemFreeExt(0, 0, a), 3000);
	/* Its seventh argument is where the address goes: on the stack. */
	tally_made(MANAGED, zeMemAllocShared(0, 0, 0, 4000, 64, devices[0], &a), 4000);
	tally_made(MANAGED, zeMemAllocShared(0, 0, 0, 5000, 64, devices[0], &b), 5000);
	tally_freed(MANAGED, zeMemFree(0, a), 4000);
	tally_shared(IMPORTED, zeMemOpenIpcHandle(0, devices[0], handle, 0, &a), 0);
	tally_unshared(IMPORTED, zeMemCloseIpcHandle(0, a), 0);
}

static void try_handles(ze_handle_t *devices)
{
	ze_physical_mem_desc_t desc = {.size = 65536};
	ze_image_desc_t image = {.type = 2, .format = {.layout = 4}, .width = 40, .height = 30};
	ze_handle_t memory, object;
	void *va = (void *)0x200000;

	tally_made(ZE0, zePhysicalMemCreate(0, devices[0], &desc, &memory), 65536);
	tally_expect(zeVirtualMemMap(0, va, 65536, memory, 0, 0), 0, "map");
	tally_expect(zePhysicalMemDestroy(0, memory), 0, "destroy");
	tally_freed(ZE0, zeVirtualMemUnmap(0, va, 65536), 65536);
	tally_made(ZE1, zeImageCreate(0, devices[1], &image, &object), 40 * 30 * 4);
	tally_expect(zeImageViewCreateExt(0, devices[1], &image, object, &memory), 0, "a view");
	tally_expect(zeImageDestroy(memory), 0, "its end");
	tally_freed(ZE1, zeImageDestroy(object), 40 * 30 * 4);
	tally_freed(ZE1, zeImageDestroy(object), 40 * 30 * 4);
	image.type = 4;
	image.format.layout = 8;
	image.depth = 3;
	tally_made(ZE0, zeImageCreate(0, devices[0], &image, &object), 40 * 30 * 3 * 16);
}

int main(void)
{
	ze_handle_t devices[2];
	uint32_t count = 0;

	tally_expect(zeDeviceGet(0, &count, 0), 0, "how many");
	tally_expect(zeDeviceGet(0, &count, devices), 0, "which");
	try_pointers(devices);
	try_handles(devices);
	tally_write("ze");
	return 0;
}
