/* SPDX-License-Identifier: GPL-2.0 */
/* What ggml.c and ggml_device.c share, as ggml's libraries do. */
#ifndef GGML_H
#define GGML_H

#include <stddef.h>

struct buffer {
	void *data;
	size_t size;
};

/* ggml-backend-impl.h: the functions come first, these two in all versions. */
struct buffer_type {
	const char *(*get_name)(struct buffer_type *type);
	struct buffer *(*alloc_buffer)(struct buffer_type *type, size_t size);
};

struct buffer *ggml_backend_cpu_buffer_from_ptr(void *data, size_t size);
extern struct buffer_type ggml_device_type, ggml_device_host_type;

#endif
