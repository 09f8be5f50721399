/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind tables kept on disk: a file a table, its bytes exactly.
 *
 * Files of the target may lie about themselves, so that a build id alone would
 * let one put its table in another's place.  A table's name is made of the
 * build id, the file's size and a digest of all that the table is made
 * from, keyed with a secret in the directory: only a file with the same call
 * frame information has the name of another's table.
 */
#ifndef MS_UNWIND_CACHE_H
#define MS_UNWIND_CACHE_H

#include <stdint.h>

#include "unwind/digest.h"
#include "unwind/table.h"

#define UNWIND_CACHE_DIR "/var/cache/memsnoop"
/* Another directory; none if it is empty. */
#define UNWIND_CACHE_ENV "MEMSNOOP_CACHE"
/* Of all tables; the ones not used for longest are removed. */
#define UNWIND_CACHE_MAX ((uint64_t)1 << 30)
#define UNWIND_CACHE_NAME 128

struct unwind_cache {
	int dir; /* -1: there is none */
	uint64_t max;
	uint8_t key[DIGEST_KEY_SIZE];
};

/*
 * Opens the cache, and makes its directory if there is none.  0, also if
 * none is wanted, or a negative errno: -EPERM if somebody else could write
 * into it.  After a failure too the cache can be used and closed: it is empty and
 * stays so.
 */
int unwind_cache_open(struct unwind_cache *cache);
/*
 * Whether it could be opened, changing nothing.  0, *path NULL if none is wanted;
 * -ENOENT if it is still to be made; -EPERM if somebody else could write into it; or
 * another negative errno.
 */
int unwind_cache_check(const char **path);
void unwind_cache_close(struct unwind_cache *cache);

/*
 * The name of the table made from `sections`; -ENOENT if it is not to be kept:
 * there is no cache, or the file has no build id.
 */
int unwind_cache_name(const struct unwind_cache *cache, const struct unwind_sections *sections,
		      char name[UNWIND_CACHE_NAME]);
/* 0, -ENOENT, or -EBADMSG if it was no good (and is removed). */
int unwind_cache_load(const struct unwind_cache *cache, const char *name, struct unwind_table *out);
/* 0 or a negative errno, which costs nothing but time the next time. */
int unwind_cache_store(const struct unwind_cache *cache, const char *name,
		       const struct unwind_table *table);

/*
 * The table of the ELF file open at `fd`, from the cache or made and kept there.
 * Errors as unwind_table_build(); on success the caller calls
 * unwind_table_free().
 */
int unwind_table_get(int fd, const struct unwind_cache *cache, struct unwind_table *out);

#endif
