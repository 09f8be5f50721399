/* SPDX-License-Identifier: GPL-2.0 */
/* How large images and arrays are, from what their makers are told: texels, without padding. */
#ifndef MS_GPU_SIZES_H
#define MS_GPU_SIZES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * `words` are the structure that describes the array or image, as far as the row has it
 * read.  False where the format is not known, or the size does not fit in 64 bits; else
 * *bytes, 0 for one that has no memory of its own.
 */
bool size_cuda_array(const __u64 *words, uint64_t *bytes);    /* CUDA_ARRAY_DESCRIPTOR */
bool size_cuda_array_3d(const __u64 *words, uint64_t *bytes); /* CUDA_ARRAY3D_DESCRIPTOR */
bool size_cuda_mipmap(const __u64 *words, unsigned levels, uint64_t *bytes);
/* `format`: cl_image_format; `words`: cl_image_desc, its mem_object the ninth. */
bool size_cl_image(uint64_t format, const __u64 *words, uint64_t *bytes);
bool size_cl_texels(uint64_t format, uint64_t width, uint64_t height, uint64_t depth,
		    uint64_t *bytes);
/* ze_image_desc_t from its byte 16 on. */
bool size_ze_image(const __u64 *words, uint64_t *bytes);

#endif
