/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes of a texel, by the formats of each interface, and of all of them. */
#include "gpu/sizes.h"

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LOW(word) ((uint32_t)(word))
#define HIGH(word) ((uint32_t)((word) >> 32))

/* A size that is not there counts as one. */
static uint64_t at_least_one(uint64_t n)
{
	return n ? n : 1;
}

/* `bits` for each of w * h * d. */
static bool product(uint64_t w, uint64_t h, uint64_t d, uint64_t bits, uint64_t *bytes)
{
	uint64_t n;

	if (__builtin_mul_overflow(w, h, &n) || __builtin_mul_overflow(n, d, &n) ||
	    __builtin_mul_overflow(n, bits, &n))
		return false;
	*bytes = n / 8 + (n % 8 != 0);
	return true;
}

/* ---- CUDA ------------------------------------------------------------------------ */

/* CUarray_format: bits of a channel, or of a texel where `whole`; blocks are of 4 x 4. */
static const struct {
	uint8_t first, last, bits;
	bool whole, blocks;
} cuda_formats[] = {
    {0x01, 0x01, 8, false, false},  /* UNSIGNED_INT8 */
    {0x02, 0x02, 16, false, false}, /* UNSIGNED_INT16 */
    {0x03, 0x03, 32, false, false}, /* UNSIGNED_INT32 */
    {0x08, 0x08, 8, false, false},  /* SIGNED_INT8 */
    {0x09, 0x09, 16, false, false}, /* SIGNED_INT16 */
    {0x0a, 0x0a, 32, false, false}, /* SIGNED_INT32 */
    {0x10, 0x10, 16, false, false}, /* HALF */
    {0x20, 0x20, 32, false, false}, /* FLOAT */
    {0x91, 0x92, 4, true, true},    /* BC1 */
    {0x93, 0x96, 8, true, true},    /* BC2, BC3 */
    {0x97, 0x98, 4, true, true},    /* BC4 */
    {0x99, 0x9e, 8, true, true},    /* BC5, BC6H, BC7 */
    {0xb0, 0xb0, 12, true, false},  /* NV12 */
    {0xc0, 0xc2, 8, false, false},  /* UNORM_INT8 */
    {0xc3, 0xc5, 16, false, false}, /* UNORM_INT16 */
    {0xc6, 0xc8, 8, false, false},  /* SNORM_INT8 */
    {0xc9, 0xcb, 16, false, false}, /* SNORM_INT16 */
};

static uint64_t whole_blocks(uint64_t n)
{
	return (n + 3) & ~3ULL;
}

static bool cuda_texels(uint64_t w, uint64_t h, uint64_t d, uint32_t format, uint32_t channels,
			uint64_t *bytes)
{
	for (size_t i = 0; i < COUNT(cuda_formats); i++) {
		uint64_t bits = cuda_formats[i].bits;

		if (format < cuda_formats[i].first || format > cuda_formats[i].last)
			continue;
		if (!cuda_formats[i].whole)
			bits *= channels;
		if (cuda_formats[i].blocks) {
			w = whole_blocks(w);
			h = whole_blocks(at_least_one(h));
		}
		return product(w, at_least_one(h), at_least_one(d), bits, bytes);
	}
	return false;
}

bool size_cuda_array(const __u64 *words, uint64_t *bytes)
{
	return cuda_texels(words[0], words[1], 1, LOW(words[2]), HIGH(words[2]), bytes);
}

#define CUDA_ARRAY3D_LAYERED 0x01
#define CUDA_ARRAY3D_NO_MEMORY (0x40 | 0x80) /* SPARSE, DEFERRED_MAPPING: it is mapped later */

bool size_cuda_array_3d(const __u64 *words, uint64_t *bytes)
{
	return size_cuda_mipmap(words, 1, bytes);
}

/* Each level has half the width, height and depth; layers stay as many. */
bool size_cuda_mipmap(const __u64 *words, unsigned levels, uint64_t *bytes)
{
	uint32_t flags = LOW(words[4]);
	uint64_t w = words[0], h = words[1], d = words[2], level, sum = 0;

	*bytes = 0;
	if (flags & CUDA_ARRAY3D_NO_MEMORY)
		return true;
	for (unsigned i = 0; i < levels && i < 64; i++) {
		if (!cuda_texels(w, h, d, LOW(words[3]), HIGH(words[3]), &level) ||
		    __builtin_add_overflow(sum, level, &sum))
			return false;
		w = at_least_one(w / 2);
		h /= 2;
		d = flags & CUDA_ARRAY3D_LAYERED ? d : d / 2;
	}
	*bytes = sum;
	return true;
}

/* ---- OpenCL ---------------------------------------------------------------------- */

/* cl_channel_order, from 0x10b0 on: channels; 0: not known. */
static const uint8_t cl_channels[] = {1, 1, 2, 2, 3, 4, 4, 4, 1, 1, 1, 2, 3, 1, 2, 3, 4, 4, 4, 4};
#define CL_ORDER_FIRST 0x10b0
/* cl_channel_type, from 0x10d0 on: bytes, of a texel where `whole`. */
static const struct {
	uint8_t bytes;
	bool whole;
} cl_types[] = {
    {1, false}, /* SNORM_INT8 */
    {2, false}, /* SNORM_INT16 */
    {1, false}, /* UNORM_INT8 */
    {2, false}, /* UNORM_INT16 */
    {2, true},  /* UNORM_SHORT_565 */
    {2, true},  /* UNORM_SHORT_555 */
    {4, true},  /* UNORM_INT_101010 */
    {1, false}, /* SIGNED_INT8 */
    {2, false}, /* SIGNED_INT16 */
    {4, false}, /* SIGNED_INT32 */
    {1, false}, /* UNSIGNED_INT8 */
    {2, false}, /* UNSIGNED_INT16 */
    {4, false}, /* UNSIGNED_INT32 */
    {2, false}, /* HALF_FLOAT */
    {4, false}, /* FLOAT */
    {0, false}, /* UNORM_INT24, which a depth-stencil has, and is nobody's to make */
    {4, true},  /* UNORM_INT_101010_2 */
};
#define CL_TYPE_FIRST 0x10d0

bool size_cl_texels(uint64_t format, uint64_t width, uint64_t height, uint64_t depth,
		    uint64_t *bytes)
{
	uint32_t order = LOW(format) - CL_ORDER_FIRST, type = HIGH(format) - CL_TYPE_FIRST;
	uint64_t texel;

	if (order >= COUNT(cl_channels) || type >= COUNT(cl_types) || !cl_types[type].bytes)
		return false;
	texel = cl_types[type].bytes;
	if (!cl_types[type].whole)
		texel *= cl_channels[order];
	return product(width, at_least_one(height), at_least_one(depth), 8 * texel, bytes);
}

/* cl_mem_object_type */
enum {
	CL_IMAGE2D = 0x10f1,
	CL_IMAGE3D,
	CL_IMAGE2D_ARRAY,
	CL_IMAGE1D,
	CL_IMAGE1D_ARRAY,
	CL_IMAGE1D_BUFFER,
};

bool size_cl_image(uint64_t format, const __u64 *words, uint64_t *bytes)
{
	uint64_t width = words[1], height = words[2], depth = words[3], layers = words[4];

	*bytes = 0;
	if (words[8])
		return true; /* made of a buffer or an image that is there */
	/* What a type does not have may be anything. */
	switch (LOW(words[0])) {
	case CL_IMAGE1D:
	case CL_IMAGE1D_BUFFER:
		return size_cl_texels(format, width, 1, 1, bytes);
	case CL_IMAGE1D_ARRAY:
		return size_cl_texels(format, width, layers, 1, bytes);
	case CL_IMAGE2D:
		return size_cl_texels(format, width, height, 1, bytes);
	case CL_IMAGE2D_ARRAY:
		return size_cl_texels(format, width, height, layers, bytes);
	case CL_IMAGE3D:
		return size_cl_texels(format, width, height, depth, bytes);
	default:
		return false;
	}
}

/* ---- Level Zero ------------------------------------------------------------------- */

/* ze_image_format_layout_t, from 0 on: bytes of a texel; what comes after is video's. */
static const uint8_t ze_layouts[] = {1, 2, 4, 2, 4, 4, 8, 8, 16, 4, 4, 2, 2, 2};

/* ze_image_type_t */
enum { ZE_1D, ZE_1D_ARRAY, ZE_2D, ZE_2D_ARRAY, ZE_3D, ZE_BUFFER };

bool size_ze_image(const __u64 *words, uint64_t *bytes)
{
	uint32_t type = HIGH(words[0]), layout = LOW(words[1]);
	uint64_t width = words[4], height = LOW(words[5]), depth = HIGH(words[5]);
	uint64_t layers = LOW(words[6]);

	*bytes = 0;
	if (layout >= COUNT(ze_layouts) || type > ZE_BUFFER)
		return false;
	if (type == ZE_1D || type == ZE_1D_ARRAY || type == ZE_BUFFER)
		height = 1;
	if (type != ZE_3D)
		depth = type == ZE_1D_ARRAY || type == ZE_2D_ARRAY ? layers : 1;
	return product(width, at_least_one(height), at_least_one(depth), 8ULL * ze_layouts[layout],
		       bytes);
}
