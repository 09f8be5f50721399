/* SPDX-License-Identifier: GPL-2.0 */
/* Reads an event as its row says. */
#include "gpu/seen.h"

#include "gpu/sizes.h"

uint64_t seen_argument(const struct seen *s, unsigned number)
{
	return number && number <= MS_GPU_ARGUMENTS ? s->event->argument[number - 1] : 0;
}

bool seen_good(const struct seen *s)
{
	if (s->row->zero_is_ok)
		return (uint32_t)s->event->result == 0;
	return s->row->kind == MS_KIND_FREE || s->event->result != 0;
}

/* ---- nodes of CUDA's graphs ---------------------------------------------------------- */

/* CUgraphNodeParams, in words: type, and 16 bytes on what there is for that type. */
enum { NODE_TYPE = 0, NODE_PARAMS = 2 };
enum { TYPE_ALLOC = 10, TYPE_FREE = 11 };
/* CUDA_MEM_ALLOC_NODE_PARAMS, in words. */
enum { ALLOC_LOCATION = 1, ALLOC_BYTES = 13, ALLOC_ADDRESS = 14 };

static bool has_words(const struct seen *s)
{
	return !(s->event->unread & MS_GPU_NO_WORDS);
}

static uint64_t node_word(const struct seen *s, unsigned number)
{
	return s->event->words[number + (s->call->what == GPU_NODE ? NODE_PARAMS : 0)];
}

uint64_t seen_location(const struct seen *s)
{
	if (!has_words(s))
		return 0;
	return s->call->size == GPU_SIZE_NODE ? node_word(s, ALLOC_LOCATION) : s->event->words[0];
}

static bool is_node(const struct seen *s, uint32_t type)
{
	return s->call->what == GPU_NODE && has_words(s) &&
	       (uint32_t)s->event->words[NODE_TYPE] == type;
}

bool seen_node_allocates(const struct seen *s)
{
	return is_node(s, TYPE_ALLOC);
}

bool seen_node_frees(const struct seen *s, uint64_t *address)
{
	*address = s->event->words[NODE_PARAMS];
	return is_node(s, TYPE_FREE);
}

/* ---- any call -------------------------------------------------------------------------- */

bool seen_address(const struct seen *s, uint64_t *address)
{
	if (s->call->size == GPU_SIZE_NODE) {
		*address = node_word(s, ALLOC_ADDRESS);
		return has_words(s);
	}
	if (s->row->ptr_out) {
		*address = s->event->out;
		return !(s->event->unread & MS_GPU_NO_OUT);
	}
	*address = s->row->ptr_arg ? seen_argument(s, s->row->ptr_arg) : s->event->result;
	return true;
}

static bool times(uint64_t a, uint64_t b, uint64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

static bool size_of_words(const struct seen *s, uint64_t *bytes)
{
	const struct ms_gpu_event *e = s->event;

	if (!has_words(s))
		return false;
	switch (s->call->size) {
	case GPU_SIZE_WORD:
		*bytes = e->words[0];
		return true;
	case GPU_SIZE_NODE:
		*bytes = node_word(s, ALLOC_BYTES);
		return true;
	case GPU_SIZE_CUDA_ARRAY:
		return size_cuda_array(e->words, bytes);
	case GPU_SIZE_CUDA_ARRAY_3D:
		return size_cuda_array_3d(e->words, bytes);
	case GPU_SIZE_CUDA_MIPMAP:
		return size_cuda_mipmap(e->words, (unsigned)seen_argument(s, s->row->size_arg),
					bytes);
	case GPU_SIZE_CL_IMAGE:
		return !(e->unread & MS_GPU_NO_VALUE) && size_cl_image(e->value, e->words, bytes);
	case GPU_SIZE_ZE_IMAGE:
		return size_ze_image(e->words, bytes);
	default:
		return false;
	}
}

bool seen_size(const struct seen *s, uint64_t *bytes)
{
	const struct ms_gpu_event *e = s->event;
	uint64_t factor = s->row->size_arg2 ? seen_argument(s, s->row->size_arg2) : 1;
	bool has_value = !(e->unread & MS_GPU_NO_VALUE);

	*bytes = 0;
	switch (s->call->size) {
	case GPU_SIZE_ARGUMENT:
		return times(seen_argument(s, s->row->size_arg), factor, bytes);
	case GPU_SIZE_VALUE:
		return has_value && times(e->value, factor, bytes);
	case GPU_SIZE_CL_IMAGE_2D:
		return has_value &&
		       size_cl_texels(e->value, seen_argument(s, 4), seen_argument(s, 5), 1, bytes);
	case GPU_SIZE_CL_IMAGE_3D:
		return has_value && size_cl_texels(e->value, seen_argument(s, 4),
						   seen_argument(s, 5), seen_argument(s, 6), bytes);
	case GPU_SIZE_CL_PIPE:
		*bytes = (seen_argument(s, s->row->size_arg) & UINT32_MAX) * (factor & UINT32_MAX);
		return true;
	default:
		return size_of_words(s, bytes);
	}
}
