/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an ELF file tells an unwinder: which of its bytes are code, and its call
 * frame information, copied.  The file is the target's, which may truncate it at
 * any moment: it is read, never mapped.
 */
#ifndef MS_UNWIND_SECTIONS_H
#define MS_UNWIND_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi.h"

#define SECTIONS_CODE_MAX 64
#define SECTIONS_ID_MAX 32

/* Where the bytes come from. */
struct unwind_source {
	int fd;               /* the caller's */
	const uint8_t *image; /* not NULL: this, and no file */
	uint64_t size;
};

/* A part of the file that is loaded and executed. */
struct unwind_code {
	uint64_t address, offset, length;
};

struct unwind_sections {
	struct unwind_source source;
	struct unwind_code code[SECTIONS_CODE_MAX]; /* in the order of their offsets */
	size_t code_count;
	struct cfi_section eh_frame, debug_frame; /* size 0: none; bytes are ours */
	uint8_t build_id[SECTIONS_ID_MAX];
	size_t build_id_size; /* 0: none, or longer than any linker makes it */
};

/* 0 or -EINVAL: neither a regular file nor an image. */
int unwind_source_file(struct unwind_source *source, int fd);
int unwind_source_image(struct unwind_source *source, const void *image, size_t size);
/* `length` bytes from an offset; false if there are not that many. */
bool unwind_source_read(const struct unwind_source *source, uint64_t offset, void *buffer,
			uint64_t length);

/*
 * Reads an x86-64 program or library.  0 (also if it has no unwind information),
 * -ENOEXEC if it is none, -EFBIG, -ENOMEM.  On success the caller calls
 * unwind_sections_free().
 */
int unwind_sections_read(struct unwind_sections *sections, const struct unwind_source *source);
void unwind_sections_free(struct unwind_sections *sections);

/* The part of the code that holds an address as linked, or NULL. */
const struct unwind_code *unwind_code_at(const struct unwind_sections *sections, uint64_t address);

#endif
