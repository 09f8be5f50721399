/* SPDX-License-Identifier: GPL-2.0 */
/* Where in a string table the names of the probe table's rows are.  Private to probe/. */
#ifndef MS_ELFNAME_H
#define MS_ELFNAME_H

#include "probe/elfimage.h"
#include "probe/table.h"

/* Stands for no row, but for the name that only glibc's dynamic linker defines (as data). */
#define ELFNAME_LINKER MS_ROWS_MAX

struct elfname {
	const char *text;
	size_t length;
	uint32_t row;
};

/* The names that are wanted, each once. */
struct elfnames {
	struct elfname list[MS_ROWS_MAX + 1];
	size_t count;
	size_t longest;
	uint8_t endings[65536 / 8]; /* a bit for each pair of bytes that a name ends in */
};

/* A place in a string table where one of them begins. */
struct elfplace {
	uint64_t at;
	uint32_t row;
};

struct elfplaces {
	struct elfplace *list; /* sorted by place */
	size_t count, capacity;
};

/*
 * The symbols of those rows whose library pattern admits `path`.  Of several
 * rows with one symbol it is the first, but the user's before ours.
 */
void elfnames_init(struct elfnames *names, const struct probe_table *table, const char *path);

/*
 * Finds every place of the string table at [offset, offset + size) of the file
 * where a wanted name begins and ends; it may be the end of a longer one,
 * linkers share those, and it ends at the '@' of a version, too.  0, -ENOMEM
 * or -E2BIG; the caller frees `list` in any case.
 */
int elfnames_find(const struct elfnames *names, const struct elfimage *image, uint64_t offset,
		  uint64_t size, struct elfplaces *out);

/* The row whose name begins at `at`, or -1. */
int elfplaces_row(const struct elfplaces *places, uint64_t at);

#endif
