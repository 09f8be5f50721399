/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names for code that is in no file: what the JITs of traced processes wrote
 * about it, in a perf map, a jitdump, or both.
 */
#ifndef MS_JIT_H
#define MS_JIT_H

#include <stdbool.h>

#include "symbol/symbol.h"

enum jit_format { JIT_DUMP, JIT_MAP, JIT_FORMAT_NR }; /* looked into in this order */

struct jit;

/* Strings are kept by `symbols`, which must outlive it.  NULL when out of memory. */
struct jit *jit_new(struct symbols *symbols);
void jit_free(struct jit *jit);

/* Files may have grown: from now on each process is due again. */
void jit_begin(struct jit *jit);
/* Whether the files of process `id` are to be given by jit_read() before names are asked for. */
bool jit_is_due(struct jit *jit, uint32_t id);
/*
 * Reads what is new in the file of process `id` that is open at `fd`, which is
 * taken over; -1: there is none.  A file that only grew is read on from where
 * it was left, one that changed otherwise is read anew.
 */
void jit_read(struct jit *jit, uint32_t id, enum jit_format format, int fd);
/* The frame of the code at `address`, valid until the next jit_begin(), or NULL. */
const struct frame *jit_find(struct jit *jit, uint32_t id, uint64_t address);

/* Of how many processes files were not read to the end: they hold more than may be read. */
size_t jit_incomplete(const struct jit *jit);

#endif
