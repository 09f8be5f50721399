/* SPDX-License-Identifier: GPL-2.0 */
/* The root directories of the containers that traced processes run in, for debug files there. */
#ifndef MS_ROOTS_H
#define MS_ROOTS_H

#include <stddef.h>
#include <sys/types.h>

#include "symbol/symbol.h"

struct roots {
	struct root {
		dev_t device;
		ino_t inode;
	} * known;
	size_t count;
};

/* Makes the root of `pid` known to the symboliser, if it is not ours and is new. */
void roots_add(struct roots *roots, struct symbols *symbols, pid_t pid);
void roots_free(struct roots *roots);

#endif
