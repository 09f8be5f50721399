/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that threads are in the middle of, one a thread: few, so they are looked through.  What is
 * kept of a call is the owner's: `size` bytes that begin with the thread's pid_t.
 */
#ifndef MS_CALLS_H
#define MS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct calls {
	size_t size; /* set by the owner; all else 0 */
	void *items;
	size_t count, room;
};

void calls_free(struct calls *calls);
/* A call, which takes the place of one of the thread whose end was not seen.  0 or -ENOMEM. */
int calls_begin(struct calls *calls, const void *call);
/* The thread's call has ended: it is copied to `out`.  false if none had begun. */
bool calls_end(struct calls *calls, pid_t tid, void *out);

#endif
