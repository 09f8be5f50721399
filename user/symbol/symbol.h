/* SPDX-License-Identifier: GPL-2.0 */
/*
 * (module, file offset) -> function, file, line.  libdw does the reading:
 * .symtab, .dynsym, .gnu_debugdata, build-id and debuglink files, debuginfod
 * when the user's DEBUGINFOD_URLS asks for it.  Never in an event's path: it
 * is called when a table or a report is made.  Strings live as long as the
 * symboliser and are shared (the same name is the same pointer).
 */
#ifndef MS_SYMBOL_H
#define MS_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/snapshot.h"

#define SYMBOL_INLINE_MAX 16 /* frames one address may expand to */

struct symbols;

/* A symboliser, or NULL when out of memory. */
struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);

/*
 * Makes module `id` known.  `fd` is an open file of the module, kept as a
 * duplicate so that it outlives the process and the file's deletion; -1 when
 * it could not be opened.  `path` is what the target calls it.  Nothing is
 * read until the first lookup.  0 or a negative errno; adding an id twice is
 * harmless.
 */
int symbols_add_module(struct symbols *s, uint32_t id, int fd, const char *path);

/*
 * Debug files are also looked for under the directory open at `fd` (a
 * duplicate is kept): the root of a container whose files are known here.  The
 * host's root is always looked in, last.  0 or a negative errno.
 */
int symbols_add_root(struct symbols *s, int fd);

/*
 * The frames at `offset` in the file of module `id`, innermost first: inlined
 * calls expanded, so 1 to `max` frames; at least one always, an unknown one
 * reads "[libfoo.so+0x12]", by the offset where its function starts where call
 * frame information has it, else by `offset`; one in a jump stub "[libfoo.so.plt]".  `offset` is
 * the address to look up: callers pass return address - 1.  Of more than `max` the last stays, the
 * function whose code it is, and inlined ones next to it are left out.  Answers are cached.
 */
size_t symbols_resolve(struct symbols *s, uint32_t id, uint64_t offset, struct frame *frames,
		       size_t max);

/*
 * Of how many modules debug information or symbols were left out so far,
 * because they take more memory or time than a target's files may: a quarter
 * of the machine's memory in all, and half a minute for each module.
 */
size_t symbols_incomplete(const struct symbols *s);

/* A copy of `text` that lives as long as `s`; the same text gives the same pointer. */
const char *symbols_intern(struct symbols *s, const char *text);

/* The demangled form of a C++ or Rust name, interned; `name` itself if it is neither. */
const char *symbols_demangle(struct symbols *s, const char *name);

#endif
