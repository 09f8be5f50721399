/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A double of libc10.so.  C10_HIDDEN: one that does not export the class which reports its
 * allocator's blocks, so that only alloc_cpu() and free_cpu() are seen.
 */
#include <stdlib.h>

#include "c10.h"

#ifdef C10_HIDDEN
#define REPORTER __attribute__((visibility("hidden")))
#else
#define REPORTER
#endif

/* Does nothing, and is not left out. */
#define NOTHING __asm__ volatile("" ::: "memory")

#ifndef C10_HIDDEN
void c10_report(void *ptr, int64_t bytes, c10_total allocated, c10_total reserved,
		struct c10_device device)
{
	(void)ptr, (void)bytes, (void)allocated, (void)reserved, (void)device;
	NOTHING;
}

void c10_report_out_of_memory(int64_t bytes, c10_total allocated, c10_total reserved,
			      struct c10_device device)
{
	(void)bytes, (void)allocated, (void)reserved, (void)device;
	NOTHING;
}
#endif

REPORTER void c10_reporter_new(void *reporter, void *ptr, size_t bytes)
{
	(void)reporter, (void)ptr, (void)bytes;
	NOTHING;
}

REPORTER void c10_reporter_delete(void *reporter, void *ptr)
{
	(void)reporter, (void)ptr;
	NOTHING;
}

void *c10_alloc_cpu(size_t bytes)
{
	void *ptr = NULL;

	if (!bytes)
		return NULL;
	return posix_memalign(&ptr, 64, bytes) ? NULL : ptr;
}

void c10_free_cpu(void *ptr)
{
	free(ptr);
}

void *cpu_allocate(size_t bytes)
{
	void *ptr = c10_alloc_cpu(bytes);

	if (bytes)
		c10_reporter_new(NULL, ptr, bytes);
	return ptr;
}

void cpu_delete(void *ptr)
{
	if (!ptr)
		return;
	c10_reporter_delete(NULL, ptr);
	c10_free_cpu(ptr);
}
