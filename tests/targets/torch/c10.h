/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the doubles of libc10.so and libc10_cuda.so have of PyTorch's interface: mangled names,
 * order and types of arguments.  TORCH_1_13: total_* of the reports are signed.
 */
#ifndef C10_DOUBLE_H
#define C10_DOUBLE_H

#include <stddef.h>
#include <stdint.h>

/* c10::Device, and the two of its types that are used here. */
struct c10_device {
	int8_t type, index;
};
#define C10_CPU ((struct c10_device){0, -1})
#define C10_CUDA(number) ((struct c10_device){1, (int8_t)(number)})

#ifdef TORCH_1_13
#define c10_report _ZN3c1027reportMemoryUsageToProfilerEPvlllNS_6DeviceE
#define c10_report_out_of_memory _ZN3c1027reportOutOfMemoryToProfilerElllNS_6DeviceE
typedef int64_t c10_total;
#else
#define c10_report _ZN3c1027reportMemoryUsageToProfilerEPvlmmNS_6DeviceE
#define c10_report_out_of_memory _ZN3c1027reportOutOfMemoryToProfilerElmmNS_6DeviceE
typedef size_t c10_total;
#endif
#define c10_alloc_cpu _ZN3c109alloc_cpuEm
#define c10_free_cpu _ZN3c108free_cpuEPv
#define c10_reporter_new _ZN3c1025ProfiledCPUMemoryReporter3NewEPvm
#define c10_reporter_delete _ZN3c1025ProfiledCPUMemoryReporter6DeleteEPv

/* ---- libc10.so ---- */

void c10_report(void *ptr, int64_t bytes, c10_total allocated, c10_total reserved,
		struct c10_device device);
void c10_report_out_of_memory(int64_t bytes, c10_total allocated, c10_total reserved,
			      struct c10_device device);
void *c10_alloc_cpu(size_t bytes);
void c10_free_cpu(void *ptr);
void c10_reporter_new(void *reporter, void *ptr, size_t bytes);
void c10_reporter_delete(void *reporter, void *ptr);
/* As DefaultCPUAllocator, which calls these; not PyTorch's names. */
void *cpu_allocate(size_t bytes);
void cpu_delete(void *ptr);

/* ---- libc10_cuda.so: not PyTorch's names, which are virtual or hidden ---- */

/* NULL: no memory. */
void *caching_allocate(size_t bytes, int device, int64_t stream);
/* As cuBLAS asks for its workspace: without a tracepoint. */
void *caching_raw_alloc(size_t bytes, int device, int64_t stream);
void caching_delete(void *ptr);
void caching_raw_delete(void *ptr);
void caching_empty_cache(void);

struct caching_stats {
	uint64_t allocated, reserved, segments;
};
struct caching_stats caching_stats(int device);
/* How many tracers ask for the tracepoint of a block. */
unsigned caching_is_traced(void);

#endif
