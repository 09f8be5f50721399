/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Native functions that ask for memory that they only work in.  An operation has results, too,
 * which others allocate for it (resize_(), a structured kernel's set_output()): so what counts is
 * who asked, the innermost function that does more than hand a request on.
 */
#include <string.h>

#include "analyse/marks.h"

/* Names that begin so hand requests on: the allocator, and how an empty tensor is made. */
static const char *const hands_on[] = {
    "[", /* a function without a name */
    "c10::",
    "at::detail::",
    "at::empty",
    "at::native::empty_cpu",
    "at::native::empty_cuda",
    "at::native::empty_strided_c",
    "at::_ops::empty",
    "at::(anonymous namespace)::",
};

/* One row is one function, or all whose names begin so; results are not asked for by any. */
static const struct native_row {
	unsigned mark;
	const char *function;
} rows[] = {
    /* cuBLAS, cuBLASLt and cuSOLVER: one for each handle and stream, or for one call. */
    {MARK_WORKSPACE, "at::cuda::getNewWorkspace"},
    {MARK_WORKSPACE, "at::cuda::getCurrentCUDABlasHandle"},
    {MARK_WORKSPACE, "at::cuda::getNewCUDABlasLtWorkspace"},
    {MARK_WORKSPACE, "at::cuda::getCUDABlasLtWorkspace"},
    {MARK_WORKSPACE, "at::cuda::blas::"},
    {MARK_WORKSPACE, "at::cuda::solver::"},
    /* CUB: temporary storage of sorts and scans, below many operations. */
    {MARK_WORKSPACE, "at::cuda::cub::"},
    /* cuDNN and MIOpen: their convolutions, which are given their result. */
    {MARK_WORKSPACE, "at::native::Workspace::Workspace"},
    {MARK_WORKSPACE, "at::native::(anonymous namespace)::Workspace::Workspace"},
    {MARK_WORKSPACE, "at::native::raw_cudnn_convolution_"},
    {MARK_WORKSPACE, "at::native::raw_miopen_convolution_"},
    /* Convolutions without a library: the columns of their matrix product. */
    {MARK_WORKSPACE, "at::native::slow_conv2d_"},
    {MARK_WORKSPACE, "at::native::slow_conv3d_"},
    {MARK_WORKSPACE, "at::native::structured_slow_conv_transpose2d_structured_"},
    /* ggml's books of tensors and graphs; where llama.cpp puts what comes out. */
    {MARK_WORKSPACE, "ggml_init"},
    {MARK_WORKSPACE, "llama_context::output_reserve"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool begins_with(const char *name, const char *start)
{
	return !strncmp(name, start, strlen(start));
}

bool marks_of_native(const char *function, unsigned *marks)
{
	size_t i;

	*marks = 0;
	for (i = 0; i < COUNT(hands_on); i++)
		if (begins_with(function, hands_on[i]))
			return false;
	for (i = 0; i < COUNT(rows); i++)
		if (begins_with(function, rows[i].function))
			*marks |= rows[i].mark;
	return true;
}
