/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug information kept in a file of its own: found by build id, by debuglink,
 * by the link of a dwz file, or from debuginfod; taken only if its build id or
 * checksum is right.
 */
#ifndef MS_DEBUGFILE_H
#define MS_DEBUGFILE_H

#include "symbol/debuginfod.h"
#include "symbol/image.h"

#define ROOTS_MAX 64

/* The root directories that are looked in, in this order. */
struct debug_roots {
	int fds[ROOTS_MAX];
	size_t count;
	struct debuginfod debuginfod;
};

void debug_roots_init(struct debug_roots *roots);
/* Puts a duplicate of `fd` before the host's root.  0 or a negative errno. */
int debug_roots_add(struct debug_roots *roots, int fd);
void debug_roots_free(struct debug_roots *roots);

/* The debug file of `main`, which the target calls `path`.  0 or a negative errno. */
int debugfile_open(struct debug_roots *roots, const struct image *main, const char *path,
		   struct image *debug, struct budget *budget);
/*
 * The file that `debug` shares parts with (.gnu_debugaltlink): 0, -ENOENT when it has
 * no such link, or another negative errno when that file cannot be had.
 */
int debugfile_open_shared(struct debug_roots *roots, const struct image *debug,
			  struct image *shared, struct budget *budget);

#endif
