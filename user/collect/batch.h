/* SPDX-License-Identifier: GPL-2.0 */
/* Reading BPF hash maps in batches. */
#ifndef MS_BATCH_H
#define MS_BATCH_H

#include <stddef.h>
#include <stdint.h>

/* Gets `n` keys and values; an answer other than 0 ends the reading. */
typedef int batch_fn(const void *keys, const void *values, uint32_t n, void *context);

/*
 * Reads a whole hash map in batches, so that entries that come and go meanwhile
 * cannot restart the walk.  0, fn's answer, or a negative errno.
 */
int batch_read(int fd, size_t key_size, size_t value_size, batch_fn *fn, void *context);

#endif
