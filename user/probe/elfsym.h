/* SPDX-License-Identifier: GPL-2.0 */
/* The symbols of a file that rows of the probe table name.  Private to probe/. */
#ifndef MS_ELFSYM_H
#define MS_ELFSYM_H

#include "probe/elfimage.h"
#include "probe/table.h"

struct elfsym {
	uint32_t row; /* of several rows with this name: the first, the user's before ours */
	uint64_t address, size; /* size: 0 if unknown */
};

struct elfsyms {
	struct elfsym *list; /* sorted by address, each address once */
	size_t count;
};

/*
 * Finds the functions that rows of `table` whose library pattern admits `path`
 * name, with what needs_malloc and file-local symbols ask for already taken
 * into account.  0, -ENOMEM or -ENOEXEC (one line in errbuf); on success the
 * caller frees `list`.
 */
int elfsym_find(const struct elfimage *image, const char *path, const struct probe_table *table,
		struct elfsyms *out, char *errbuf, size_t errlen);

#endif
