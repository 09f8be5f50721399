/* SPDX-License-Identifier: GPL-2.0 */
/* Keeps a directory of files below a total size.  Private to unwind/. */
#ifndef MS_PRUNE_H
#define MS_PRUNE_H

#include <stdint.h>

/*
 * Removes regular files of the directory open at `dir`, the ones modified longest
 * ago first, until all of them together have at most `max` bytes.  Others,
 * directories and the file called `spared` are left alone.
 */
void prune_oldest(int dir, const char *spared, uint64_t max);

#endif
