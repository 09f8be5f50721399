/* SPDX-License-Identifier: GPL-2.0 */
/* A list of processes, by pid. */
#ifndef MS_PROCLIST_H
#define MS_PROCLIST_H

#include "system/procs.h"

struct proclist {
	struct proc *items;
	size_t count, room;
};

/* At the end; 0 or -ENOMEM. */
int proclist_push(struct proclist *l, const struct proc *proc);
void proclist_sort(struct proclist *l);
/* The process that started then, of a list in order; or NULL. */
struct proc *proclist_find(const struct proclist *l, int pid, uint64_t start_ns);
void proclist_free(struct proclist *l);

#endif
