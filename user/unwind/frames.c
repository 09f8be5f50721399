/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of sections of call frame information. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "unwind/sections.h"

/* zlib.net/zlib_tech.html: no data is compressed further. */
#define ZLIB_RATIO_MAX 1032

/* Replaces the bytes of a section; none if they are broken or in another format (zstd). */
static int decompress(struct cfi_section *section)
{
	const Elf64_Chdr *header = (const Elf64_Chdr *)section->bytes;
	struct cfi_section out = *section;
	uLongf size;
	int err = 0;

	out.bytes = NULL;
	out.size = 0;
	if (section->size <= sizeof(*header) || header->ch_type != ELFCOMPRESS_ZLIB ||
	    header->ch_size / ZLIB_RATIO_MAX > section->size)
		goto out;
	err = -EFBIG;
	size = header->ch_size;
	if (size > UNWIND_FRAMES_MAX)
		goto out;
	err = -ENOMEM;
	out.bytes = malloc(size + 1);
	if (!out.bytes)
		goto out;
	err = 0;
	if (uncompress((Bytef *)out.bytes, &size, section->bytes + sizeof(*header),
		       section->size - sizeof(*header)) == Z_OK)
		out.size = size;
	else
		unwind_frames_free(&out);
out:
	free((void *)section->bytes);
	*section = out;
	return err;
}

/*
 * The linker ends .eh_frame with a length of zero (crtend.o's).  One in the
 * middle would cut it short: it is looked for from `last` on.
 */
static size_t find_end(const struct cfi_section *section, uint64_t last)
{
	struct cursor c = {section->bytes, section->bytes + section->size, false};
	uint64_t length = 1;

	cursor_take(&c, last);
	while (length && cursor_left(&c)) {
		length = cursor_unsigned(&c, 4);
		if (length == UINT32_MAX)
			length = cursor_unsigned(&c, 8);
		cursor_take(&c, length);
	}
	return (size_t)(c.at - section->bytes);
}

int unwind_frames_read(const struct unwind_source *source, const struct unwind_frames *frames,
		       const uint8_t *key, uint64_t *sum, struct cfi_section *out)
{
	struct unwind_source copy;

	*out = (struct cfi_section){.address = frames->address, .is_debug = frames->is_debug};
	if (frames->size > UNWIND_FRAMES_MAX)
		return -EFBIG;
	out->bytes = unwind_source_copy(source, frames->offset, frames->size, UNWIND_FRAMES_MAX);
	if (!out->bytes)
		return 0;
	out->size = frames->size;
	copy = (struct unwind_source){.fd = -1, .image = out->bytes, .size = out->size};
	if (key && !digest_source(key, &copy, 0, out->size, sum)) {
		unwind_frames_free(out);
		return -ENOMEM;
	}
	if (frames->is_compressed)
		return decompress(out);
	if (frames->is_open_ended)
		out->size = find_end(out, frames->last);
	return 0;
}

void unwind_frames_free(struct cfi_section *section)
{
	free((void *)section->bytes);
	section->bytes = NULL;
	section->size = 0;
}
