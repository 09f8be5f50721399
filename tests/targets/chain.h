/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A target's own account of its call chains, which memsnoop's stacks must equal.
 *
 * Every function on the way says ENTER and LEAVE; both are a store into an array
 * in thread-local storage, so that nothing is called, no frame is laid out
 * differently, and (because something happens after each call) no call becomes a
 * jump.  ALLOC makes one allocation of a size that no other has, right in the
 * function that says it, and writes the chain down beside that size.  The
 * targets print what they wrote down on stdout, a line of JSON for each:
 * tests/e2e/chains.py compares it with the report.
 *
 * A name in a chain may also be, see chains.py,
 *   ~name   an inlined function: a frame only where there is DWARF
 *   +gap    one or more frames of a runtime: "+libc", "+signal", …
 *   *gap    the same, or none
 */
#ifndef CHAIN_H
#define CHAIN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHAIN_MAX 512

struct chain {
	int nr;
	const char *names[CHAIN_MAX];
};

extern __thread struct chain chain;
/* What the next records belong to; they say it, so that a difference can be found. */
extern const char *chain_scenario;

/* What a record says besides its chain; all 0 is one malloc whose stack is whole. */
struct chain_note {
	const char *call; /* NULL: malloc */
	const char *ends; /* "root,no_rows": how the stack may end; NULL: as the chain is long */
	int allocs;       /* made with this chain, all of one size; 0 is one */
	int least;        /* if it does not reach the root, so many innermost frames are right */
	int wild;         /* beyond these, frames may be anything */
	int by_pointer;   /* some of its frames can only be found by frame pointer */
};

/* Writes this thread's chain down; returns the size to allocate. */
size_t chain_note(const struct chain_note *note);
/* Prints what was written down, and forgets it. */
void chain_flush(void);

/* Not inlined, cloned, or known to its callers in any way. */
#ifdef __clang__
#define FN __attribute__((noinline))
#else
#define FN __attribute__((noipa))
#endif
#define INLINED static inline __attribute__((always_inline))
#define HIDDEN __attribute__((visibility("hidden")))
#define BARRIER() __asm__ volatile("" ::: "memory")
#define USE(memory) __asm__ volatile("" ::"r"(memory) : "memory")

#define ENTER_AS(name)                                                                             \
	do {                                                                                       \
		chain.names[chain.nr++] = (name);                                                  \
		BARRIER();                                                                         \
	} while (0)
#define ENTER() ENTER_AS(__func__)
#define LEAVE()                                                                                    \
	do {                                                                                       \
		BARRIER();                                                                         \
		chain.nr--;                                                                        \
	} while (0)

/* The block is used (so that the call stays) and given back. */
#define KEEP(block)                                                                                \
	do {                                                                                       \
		void *kept_ = (block);                                                             \
		__asm__ volatile("" : "+r"(kept_)::"memory");                                      \
		free(kept_);                                                                       \
	} while (0)
#define ALLOC_NOTED(...)                                                                           \
	do {                                                                                       \
		struct chain_note note_ = {__VA_ARGS__};                                           \
		KEEP(malloc(chain_note(&note_)));                                                  \
	} while (0)
#define ALLOC() ALLOC_NOTED(0)

#ifdef __cplusplus
}
#endif

#endif
