/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the resident memory of one process is, so that it adds up to its RSS:
 * bytes of live heap blocks, what allocators hold besides, and mappings by kind.
 */
#ifndef MS_BREAKDOWN_H
#define MS_BREAKDOWN_H

#include <stddef.h>
#include <stdint.h>

#include "vm/blocks.h"
#include "vm/extents.h"
#include "vm/pagemap.h"

/* In the order of the table.  The name for programs, and what people read. */
#define BREAKDOWN_KINDS(X)                                                                         \
	X(HEAP, "heap", "live heap blocks")                                                        \
	X(RETAINED, "retained", "held by allocators, in no live block")                            \
	X(ANONYMOUS, "anonymous", "anonymous mappings, not by an allocator")                       \
	X(SHARED, "shared", "shared memory: shmem, memfd, tmpfs")                                  \
	X(FILE, "file", "files, but for code")                                                     \
	X(CODE, "code", "code of programs and libraries")                                          \
	X(STACKS, "stacks", "threads' stacks")                                                     \
	X(KERNEL, "kernel", "made by the kernel: vdso …")                                          \
	X(HUGETLB, "hugetlb", "hugetlb pages, which RSS leaves out")

enum breakdown_kind {
#define X(id, name, text) BREAKDOWN_##id,
	BREAKDOWN_KINDS(X)
#undef X
	    BREAKDOWN_KIND_NR
};

extern const char *const breakdown_names[BREAKDOWN_KIND_NR];
extern const char *const breakdown_texts[BREAKDOWN_KIND_NR];

/* All of it the caller's, and unchanged until breakdown_free(). */
struct breakdown_input {
	const struct extents *extents; /* who mapped what; NULL: not known */
	const struct block *blocks;    /* all live ones, after blocks_sort() */
	size_t block_count;
	const uint64_t *stack_pointers; /* of all threads, in any order */
	size_t stack_pointer_count;
};

struct breakdown;

struct breakdown *breakdown_new(const struct breakdown_input *input); /* NULL: no memory */
void breakdown_free(struct breakdown *breakdown);
/* A pagemap_each(): the next range.  0. */
int breakdown_add(void *breakdown, const struct pagemap_range *range);

/* Resident bytes of a kind. */
uint64_t breakdown_bytes(const struct breakdown *breakdown, enum breakdown_kind kind);
/*
 * What is left of the kernel's own counter of resident bytes when all kinds are
 * taken from it, but for HUGETLB; negative if they are more.  The process ran on while
 * it was looked at, and up to 6.15 (or so) the counter lags by pages of each CPU.
 */
int64_t breakdown_unknown(const struct breakdown *breakdown, uint64_t rss_bytes);

#endif
