/* SPDX-License-Identifier: GPL-2.0 */
/* The tracepoints (USDT) of a file that rows of the probe table name.  Private to probe/. */
#ifndef MS_ELFUSDT_H
#define MS_ELFUSDT_H

#include "probe/elf.h"
#include "probe/elfimage.h"

struct elfusdt {
	uint32_t row;
	uint64_t offset; /* in the file: of the instruction, which does nothing */
	struct elf_usdt usdt;
};

/*
 * Those of the rows that admit `path` whose arguments, as far as the row reads them, can be read
 * on this machine.  A note that is broken, or leads out of the file, is as if it were not
 * there.  0, and the caller frees *sites (NULL if there is none), or -ENOMEM.
 */
int elfusdt_find(const struct elfimage *image, const char *path, const struct probe_table *table,
		 struct elfusdt **sites, size_t *count);

#endif
