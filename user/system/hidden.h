/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that the kernel's iterator leaves out, though /proc has them.  There
 * are kernels that hide their first process so.  They are read from /proc.
 */
#ifndef MS_HIDDEN_H
#define MS_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "system/tasks.h"

struct hidden {
	pid_t *pids;
	size_t count, room;
};

typedef bool hidden_known_fn(pid_t pid, void *context);
/* Looks through /proc for processes that a pass did not find; once.  0 or a negative errno. */
int hidden_find(struct hidden *h, hidden_known_fn *known, void *context);
/* Adds them to a pass, but for those that it did find: they had only just begun before. */
void hidden_read(struct hidden *h, hidden_known_fn *known, const struct tasks_pass *pass,
		 void *context);
void hidden_free(struct hidden *h);

#endif
