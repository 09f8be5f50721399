/* SPDX-License-Identifier: GPL-2.0 */
/*
 * OpenCL, on a real implementation: buffers and their references, parts, images, SVM.
 *
 *   opencl_calls         every function
 *   opencl_calls list    12 blocks freed by one call, of which memsnoop is told 10
 */
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

#define OPENCL "opencl"

static cl_context context;
static cl_command_queue queue;
static cl_device_id device;

static void begin(void)
{
	cl_platform_id platform;
	cl_int err;

	tally_expect(clGetPlatformIDs(1, &platform, NULL), 0, "a platform");
	tally_expect(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL), 0, "a device");
	context = clCreateContext(NULL, 1, &device, NULL, NULL, &err);
	tally_expect(err, 0, "a context");
	queue = clCreateCommandQueueWithProperties(context, device, NULL, &err);
	tally_expect(err, 0, "a queue");
}

static cl_mem buffer(cl_mem_flags flags, size_t size, void *host)
{
	cl_int err;
	cl_mem made = clCreateBuffer(context, flags, size, host, &err);

	if (flags & CL_MEM_USE_HOST_PTR)
		tally_shared(OPENCL, err, size);
	else
		tally_made(OPENCL, err, size);
	return made;
}

static void try_buffers(void)
{
	static char host[8192] __attribute__((aligned(4096)));
	cl_buffer_region half = {0, 4096};
	cl_mem a = buffer(CL_MEM_READ_WRITE, 10000, NULL), b, part;
	cl_int err;

	buffer(CL_MEM_READ_WRITE, 0, NULL); /* CL_INVALID_BUFFER_SIZE */
	tally_freed(OPENCL, clReleaseMemObject(a), 10000);
	b = buffer(CL_MEM_COPY_HOST_PTR, 8192, host);
	tally_expect(clRetainMemObject(b), 0, "retain");
	tally_expect(clReleaseMemObject(b), 0, "release");
	part = clCreateSubBuffer(b, CL_MEM_READ_ONLY, CL_BUFFER_CREATE_TYPE_REGION, &half, &err);
	tally_expect(err, 0, "a part");
	tally_expect(clReleaseMemObject(b), 0, "release of what has a part");
	tally_freed(OPENCL, clReleaseMemObject(part), 8192);
	a = buffer(CL_MEM_USE_HOST_PTR, sizeof(host), host);
	tally_unshared(OPENCL, clReleaseMemObject(a), sizeof(host));
	a = clCreateBufferWithProperties(context, NULL, CL_MEM_READ_WRITE, 777, NULL, &err);
	tally_made(OPENCL, err, 777); /* stays */
	buffer(CL_MEM_READ_WRITE, 5555, NULL);
}

static void try_images(void)
{
	cl_image_format rgba = {CL_RGBA, CL_UNSIGNED_INT8}, one = {CL_R, CL_FLOAT};
	cl_image_desc flat = {
	    .image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 64, .image_height = 48};
	cl_image_desc deep = {.image_type = CL_MEM_OBJECT_IMAGE3D,
			      .image_width = 16,
			      .image_height = 8,
			      .image_depth = 4};
	cl_image_desc none = {.image_type = CL_MEM_OBJECT_IMAGE2D};
	cl_mem image;
	cl_int err;

	image = clCreateImage(context, CL_MEM_READ_WRITE, &rgba, &flat, NULL, &err);
	tally_made(OPENCL, err, 64 * 48 * 4);
	tally_freed(OPENCL, clReleaseMemObject(image), 64 * 48 * 4);
	clCreateImage(context, CL_MEM_READ_WRITE, &rgba, &none, NULL, &err);
	tally_made(OPENCL, err, 0); /* fails */
	image = clCreateImage(context, CL_MEM_READ_WRITE, &one, &deep, NULL, &err);
	tally_made(OPENCL, err, 16 * 8 * 4 * 4);
	image = clCreateImage2D(context, CL_MEM_READ_WRITE, &rgba, 10, 20, 0, NULL, &err);
	tally_made(OPENCL, err, 800);
	tally_freed(OPENCL, clReleaseMemObject(image), 800);
	image = clCreateImage3D(context, CL_MEM_READ_WRITE, &rgba, 10, 20, 3, 0, 0, NULL, &err);
	tally_made(OPENCL, err, 2400);
	tally_freed(OPENCL, clReleaseMemObject(image), 2400);
}

static void try_svm(void)
{
	cl_device_svm_capabilities can = 0;
	void *a, *list[3];
	cl_int err;

	clGetDeviceInfo(device, CL_DEVICE_SVM_CAPABILITIES, sizeof(can), &can, NULL);
	if (!can)
		return;
	a = clSVMAlloc(context, CL_MEM_READ_WRITE, 4000, 0);
	tally_made(OPENCL, a ? 0 : 1, 4000);
	clSVMFree(context, a);
	tally_freed(OPENCL, 0, 4000);
	clSVMFree(context, NULL);
	a = clSVMAlloc(context, CL_MEM_READ_WRITE, 0, 0);
	tally_made(OPENCL, a ? 0 : 1, 0); /* fails */
	for (int i = 0; i < 3; i++) {
		list[i] = clSVMAlloc(context, CL_MEM_READ_WRITE, 100 + (size_t)i, 0);
		tally_made(OPENCL, list[i] ? 0 : 1, 100 + (size_t)i);
	}
	err = clEnqueueSVMFree(queue, 2, list, NULL, NULL, 0, NULL, NULL);
	tally_freed(OPENCL, err, 100);
	tally_freed(OPENCL, err, 101);
	clFinish(queue);
}

static void free_list(void)
{
	void *list[12];

	for (int i = 0; i < 12; i++) {
		list[i] = clSVMAlloc(context, CL_MEM_READ_WRITE, 100, 0);
		tally_made(OPENCL, list[i] ? 0 : 1, 100);
	}
	tally_expect(clEnqueueSVMFree(queue, 12, list, NULL, NULL, 0, NULL, NULL), 0, "free");
	clFinish(queue);
}

int main(int argc, char **argv)
{
	begin();
	if (argc > 1 && !strcmp(argv[1], "list")) {
		free_list();
		return 0;
	}
	try_buffers();
	try_images();
	try_svm();
	tally_write("opencl");
	return 0;
}
