/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where an ELF file has what an unwinder needs: which of its bytes are code, its
 * call frame information, its build id.
 */
#ifndef MS_UNWIND_SECTIONS_H
#define MS_UNWIND_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi.h"
#include "unwind/digest.h"
#include "unwind/source.h"

#define SECTIONS_CODE_MAX 64
#define SECTIONS_ID_MAX 32
/* Eight times what libtorch_cpu.so of torch 2.6 has. */
#define UNWIND_FRAMES_MAX ((uint64_t)128 << 20)

/* No file is larger: a terabyte, so that offsets leave bits for other things (rows.h). */
#define UNWIND_FILE_MAX ((uint64_t)1 << 40)

/* A part of the file that is loaded and executed. */
struct unwind_code {
	uint64_t address, offset, length;
};

/* A section of call frame information, as it lies in the file. */
struct unwind_frames {
	uint64_t offset, size; /* size 0: there is none */
	uint64_t address;
	bool is_debug; /* .debug_frame, else .eh_frame */
	bool is_compressed;
	bool is_open_ended; /* it ends somewhere before `size`, not before `last` */
	uint64_t last;      /* where in it an entry begins */
};

struct unwind_sections {
	struct unwind_source source;
	struct unwind_code code[SECTIONS_CODE_MAX]; /* in the order of their offsets */
	size_t code_count;
	struct unwind_frames eh_frame, debug_frame;
	uint8_t build_id[SECTIONS_ID_MAX];
	size_t build_id_size; /* 0: none, or longer than any linker makes it */
	/* File offset of a process's first instruction, if it looks like one; 0: none. */
	uint64_t entry;
};

/*
 * Reads the headers of an x86-64 program or library.  0 (also if it has no unwind
 * information), -ENOEXEC if it is none, -EFBIG if it has more segments than any.
 * There is nothing to free.
 */
int unwind_sections_find(struct unwind_sections *sections, const struct unwind_source *source);
/* The part of the code that holds an address as linked, or NULL. */
const struct unwind_code *unwind_code_at(const struct unwind_sections *sections, uint64_t address);

/*
 * Copies call frame information, decompressed.  With a key, *sum is the digest of
 * what was copied.  0, also if it is not there or broken (size 0), -EFBIG or -ENOMEM;
 * then, and after unwind_frames_free(), it has no bytes.
 */
int unwind_frames_read(const struct unwind_source *source, const struct unwind_frames *frames,
		       const uint8_t *key, uint64_t *sum, struct cfi_section *out);
void unwind_frames_free(struct cfi_section *section);

#endif
