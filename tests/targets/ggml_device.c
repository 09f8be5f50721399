/* SPDX-License-Identifier: GPL-2.0 */
/* libggml-cuda.so as far as it makes buffers: of a device, and of the host for it. */
#include <stdlib.h>

#include "ggml.h"

static struct buffer *device_alloc(struct buffer_type *type, size_t size)
{
	struct buffer *b = malloc(sizeof(*b));

	(void)type;
	if (!b)
		abort();
	*b = (struct buffer){NULL, size};
	return b;
}

static struct buffer *host_alloc(struct buffer_type *type, size_t size)
{
	(void)type;
	return ggml_backend_cpu_buffer_from_ptr(malloc(size), size);
}

struct buffer_type ggml_device_type = {NULL, device_alloc};
struct buffer_type ggml_device_host_type = {NULL, host_alloc};
