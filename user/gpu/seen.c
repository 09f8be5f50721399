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

bool seen_address(const struct seen *s, uint64_t *address)
{
	if (s->call->second_word) {
		*address = s->event->words[1];
		return !(s->event->unread & MS_GPU_NO_WORDS);
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

	if (e->unread & MS_GPU_NO_WORDS)
		return false;
	switch (s->call->size) {
	case GPU_SIZE_WORD:
		*bytes = e->words[0];
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
