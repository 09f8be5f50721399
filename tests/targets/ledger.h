/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A target's own ledger: every allocation call the target makes goes through
 * a ledger_*() function, which makes the call and writes down what came of it.
 * What memsnoop reports for the stacks that end in these functions must be
 * equal to the ledger, to the byte.
 *
 * The functions have one line of the report each, so that a difference names
 * the allocator function that is miscounted.  A free goes to the line of the
 * function that made the block, as memsnoop does.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEDGER_KINDS(X)                                                                            \
	X(malloc)                                                                                  \
	X(calloc)                                                                                  \
	X(realloc)                                                                                 \
	X(reallocarray)                                                                            \
	X(posix_memalign)                                                                          \
	X(aligned_alloc)                                                                           \
	X(memalign)                                                                                \
	X(valloc)                                                                                  \
	X(pvalloc)                                                                                 \
	X(new)                                                                                     \
	X(plugin)                                                                                  \
	X(pool_alloc)                                                                              \
	X(pool_product)                                                                            \
	X(pool_out)                                                                                \
	X(pool_nested)                                                                             \
	X(pool_resize)

enum ledger_kind {
#define X(name) LEDGER_##name,
	LEDGER_KINDS(X)
#undef X
	    LEDGER_KIND_NR
};

struct block {
	void *address; /* NULL: no block */
	size_t size;   /* as asked for */
	enum ledger_kind kind;
};

/*
 * The function of that name if this process's allocator has it itself: one
 * that is preloaded may not, and the libc's would hand out blocks that the
 * allocator's free() cannot take.  Else NULL.
 */
void *ledger_find(const char *function);

/* Each makes one call; on failure *b holds no block (realloc: the old one). */
void ledger_malloc(struct block *b, size_t size);
void ledger_calloc(struct block *b, size_t count, size_t size);
void ledger_realloc(struct block *b, size_t size);
void ledger_reallocarray(struct block *b, size_t count, size_t size);
void ledger_posix_memalign(struct block *b, size_t alignment, size_t size);
void ledger_aligned_alloc(struct block *b, size_t alignment, size_t size);
void ledger_memalign(struct block *b, size_t alignment, size_t size);
void ledger_valloc(struct block *b, size_t size);
void ledger_pvalloc(struct block *b, size_t size);
/* Also of no block: free(NULL). */
void ledger_free(struct block *b);
/* free() of a block from before this ledger began (an unknown one to memsnoop). */
void ledger_free_foreign(struct block *b);

/* For calls made elsewhere (operator new, a pool): writes down, calls nothing. */
void ledger_note_alloc(struct block *b, enum ledger_kind kind, void *address, size_t size);
void ledger_note_free(struct block *b);
/* A block was seen to have been overwritten: the target was harmed. */
void ledger_note_damage(void);

/* Begins anew: after fork, or when tracing begins in the middle of a life. */
void ledger_reset(void);

/*
 * Writes $LEDGER/NAME.PID in one step (a file that is there is whole): lines
 * of key=value, the last one exe=PATH.  Does nothing when LEDGER is not set.  Allocates nothing.
 */
void ledger_write(const char *name);
/* An empty file $LEDGER/NAME.PID, for a test that waits for it. */
void ledger_signal(const char *name);

/* A small generator of our own: the same sequence with every libc. */
unsigned long ledger_random(unsigned long *state);

#ifdef __cplusplus
}
#endif

#endif
