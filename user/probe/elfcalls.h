/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions by which a function is come to from one caller.  A probe there sees only what
 * this caller gives it, with the arguments in their registers; and the kernel emulates both, calls
 * and jumps.
 */
#ifndef MS_ELFCALLS_H
#define MS_ELFCALLS_H

#include <stddef.h>
#include <stdint.h>

/* How far from where it returned a jump at a caller's end is looked for. */
#define ELFCALLS_REACH (1u << 20)

struct elfcalls_wanted {
	const char *symbol; /* of the function */
	uint64_t function;  /* its file offset, if it is in this file; else 0 */
	uint64_t back;      /* file offset of where it returned to */
};

/*
 * Looks in the file open at `fd`.  The one instruction, if a direct call of the function lies
 * right before the place it returned to.  Else the function was jumped to, at the end of another
 * one that was called there: then all direct jumps to it that lie near, of which those that are
 * meant are still to be told.  Writes their file offsets and returns how many; 0 if there are none,
 * or more than `room`, or the file is for another machine than x86-64.
 */
size_t elfcalls_find(int fd, const struct elfcalls_wanted *wanted, uint64_t *sites, size_t room);

#endif
