/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which rows of the probe table a file answers to.  The file is the target's
 * and not trusted: every offset is checked, work is bounded by the file's size.
 */
#ifndef MS_ELF_H
#define MS_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/table.h"
#include "usdt.h"

struct elf_hit {
	uint32_t row;       /* index into the probe table */
	uint64_t function;  /* file offset of the function's first byte */
	uint64_t offset;    /* file offset to probe: the cheapest equivalent instruction */
	const char *reason; /* static text: why that instruction, for -v and doctor */
	bool emulated;      /* the kernel need not single-step it */
	bool is_return;     /* a return instruction of the function, not its entry */
	uint32_t usdt;      /* a tracepoint: number + 1 in `usdts`; 0: it is none */
};

/* What the file says of a tracepoint. */
struct elf_usdt {
	uint64_t semaphore; /* file offset of what counts its tracers; 0: it has none */
	struct ms_usdt layout;
};

struct elf_file {
	struct elf_hit *hits; /* sorted by offset; one hit an offset (aliases share a probe) */
	size_t hit_count;
	struct elf_usdt *usdts;
	size_t usdt_count;
	size_t function_count; /* allocation functions among them: entries of such rows */
	int machine;           /* e_machine */
	int bits;              /* 32 or 64 */
	uint64_t entry;        /* file offset of the entry point, 0 if there is none */
	char interp[256];      /* PT_INTERP, empty if static */
};

/*
 * Reads the symbols of the file open at `fd` (.dynsym, and .symtab where there
 * is one) and finds every row of `table` whose library pattern admits `path`
 * and whose symbol is defined there as a function.  Rows with needs_malloc,
 * and file-local functions that our own rows name, only count where the same
 * file defines malloc (under any prefix).  glibc's dynamic linker has no hit but the
 * marker: older ones define a malloc that only they use.  A function that only
 * jumps to another one with the same meaning has no hit either.
 * Tracepoints (USDT) of that name are hits if what their row reads can be read.
 * No hits, and 0, for a 32-bit file or a machine other than x86-64 and arm64.
 * 0, -ENOMEM, or -ENOEXEC with one line in errbuf, which does not repeat the
 * path: "not an ELF file".  `fd` stays open and its position is not used.  On
 * success the caller calls elf_free().
 */
int elf_scan(int fd, const char *path, const struct probe_table *table, struct elf_file *out,
	     char *errbuf, size_t errlen);
void elf_free(struct elf_file *file);

#endif
