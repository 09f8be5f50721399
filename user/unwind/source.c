/* SPDX-License-Identifier: GPL-2.0 */
/* Reading with every offset checked. */
#include "unwind/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int unwind_source_file(struct unwind_source *source, int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	*source = (struct unwind_source){.fd = fd, .size = (uint64_t)st.st_size};
	return 0;
}

int unwind_source_image(struct unwind_source *source, const void *image, size_t size)
{
	if (!image || !size)
		return -EINVAL;
	*source = (struct unwind_source){.fd = -1, .image = image, .size = size};
	return 0;
}

bool unwind_source_read(const struct unwind_source *source, uint64_t offset, void *buffer,
			uint64_t length)
{
	uint64_t done = 0;
	ssize_t n;

	if (offset > source->size || length > source->size - offset)
		return false;
	if (source->image) {
		memcpy(buffer, source->image + offset, length);
		return true;
	}
	while (done < length) {
		n = pread(source->fd, (char *)buffer + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

void *unwind_source_copy(const struct unwind_source *source, uint64_t offset, uint64_t length,
			 uint64_t max)
{
	char *copy;

	if (!length || length > max || offset > source->size || length > source->size - offset)
		return NULL;
	copy = malloc(length + 1);
	if (!copy)
		return NULL;
	if (!unwind_source_read(source, offset, copy, length)) {
		free(copy);
		return NULL;
	}
	copy[length] = '\0';
	return copy;
}
