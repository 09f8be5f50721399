/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bytes of an ELF file: the target's, which may truncate it at any moment,
 * so that it is read, never mapped; or an image that lies complete in memory.
 */
#ifndef MS_UNWIND_SOURCE_H
#define MS_UNWIND_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unwind_source {
	int fd;               /* the caller's */
	const uint8_t *image; /* not NULL: this, and no file */
	uint64_t size;
};

/* 0 or -EINVAL: neither a regular file nor an image. */
int unwind_source_file(struct unwind_source *source, int fd);
int unwind_source_image(struct unwind_source *source, const void *image, size_t size);
/* `length` bytes from an offset; false if there are not that many. */
bool unwind_source_read(const struct unwind_source *source, uint64_t offset, void *buffer,
			uint64_t length);
/* A copy, with a NUL after it, to be freed; NULL if it is not there, empty, or over `max`. */
void *unwind_source_copy(const struct unwind_source *source, uint64_t offset, uint64_t length,
			 uint64_t max);

#endif
