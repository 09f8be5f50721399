/* SPDX-License-Identifier: GPL-2.0 */
/* Debug files from the servers that the user's DEBUGINFOD_URLS names. */
#ifndef MS_DEBUGINFOD_H
#define MS_DEBUGINFOD_H

#include <stdbool.h>
#include <stddef.h>

#define DEBUGINFOD_LIBRARY "libdebuginfod.so.1"

struct debuginfod {
	void *library, *client;
	bool tried, unreachable;
};

/*
 * An open file, or a negative errno.  Without DEBUGINFOD_URLS in the environment
 * nothing is loaded or contacted; after a server could not be reached, no more
 * is asked for.
 */
int debuginfod_open(struct debuginfod *d, const unsigned char *id, size_t size);
void debuginfod_close(struct debuginfod *d);

#endif
