/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Expandable segments, as PyTorch documents them: a range of addresses for each device, stream
 * and size class, of which pages of 2 or 20 MiB are mapped as the need grows.  This one takes
 * pages back only from its end.
 */
#ifndef EXPANDABLE_DOUBLE_H
#define EXPANDABLE_DOUBLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether PYTORCH_CUDA_ALLOC_CONF asks for them. */
bool expandable_on(void);
/* Maps pages for `size` bytes at the end; their address, and bytes in *mapped.  0: no memory. */
uint64_t expandable_map(int device, int64_t stream, bool small, uint64_t size, uint64_t *mapped);
/* Takes back the pages that lie in the last `size` bytes; how many bytes that are. */
uint64_t expandable_unmap(int device, int64_t stream, bool small, uint64_t size);

#endif
