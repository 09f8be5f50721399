/* SPDX-License-Identifier: GPL-2.0 */
#include "system/proclist.h"

#include <errno.h>
#include <stdlib.h>

int proclist_push(struct proclist *l, const struct proc *proc)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		struct proc *items = reallocarray(l->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->room = room;
	}
	l->items[l->count++] = *proc;
	return 0;
}

struct proc *proclist_find(const struct proclist *l, int pid, uint64_t start_ns)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (l->items[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->count && l->items[low].pid == pid && l->items[low].start_ns == start_ns
		   ? &l->items[low]
		   : NULL;
}

void proclist_free(struct proclist *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].cmdline);
	free(l->items);
}

static int compare(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void proclist_sort(struct proclist *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), compare);
}
