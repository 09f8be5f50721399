/* SPDX-License-Identifier: GPL-2.0 */
#include "system/found.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void found_begin(struct found *f)
{
	f->count = f->thread_count = 0;
}

int found_add(struct found *f, const struct ms_system_process *process)
{
	if (array_reserve(&f->processes, f->count, &f->room, sizeof(*f->processes)))
		return -ENOMEM;
	f->processes[f->count++] = *process;
	return 0;
}

int found_add_thread(struct found *f, const struct ms_system_thread *thread)
{
	if (array_reserve(&f->threads, f->thread_count, &f->thread_room, sizeof(*f->threads)))
		return -ENOMEM;
	f->threads[f->thread_count++] = *thread;
	return 0;
}

bool found_knows(const struct found *f, int pid)
{
	for (size_t i = 0; i < f->count; i++)
		if ((int)f->processes[i].tgid == pid)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct ms_system_process *x = a, *y = b;

	return x->tgid < y->tgid ? -1 : x->tgid > y->tgid;
}

/* Where the leader is gone, every other thread told of the process: one of them is enough. */
static void merge_processes(struct found *f)
{
	size_t kept = 0;

	qsort(f->processes, f->count, sizeof(*f->processes), compare);
	for (size_t i = 0; i < f->count; i++) {
		const struct ms_system_process *at = &f->processes[i];

		if (kept && f->processes[kept - 1].tgid == at->tgid) {
			f->processes[kept - 1].min_flt += at->min_flt;
			f->processes[kept - 1].maj_flt += at->maj_flt;
		} else {
			f->processes[kept++] = *at;
		}
	}
	f->count = kept;
}

void found_merge(struct found *f)
{
	if (!f->count)
		return;
	merge_processes(f);
	for (size_t i = 0; i < f->thread_count; i++) {
		struct ms_system_process key = {.tgid = f->threads[i].tgid}, *process;

		process = bsearch(&key, f->processes, f->count, sizeof(key), compare);
		if (!process)
			continue;
		process->min_flt += f->threads[i].min_flt;
		process->maj_flt += f->threads[i].maj_flt;
	}
}

void found_free(struct found *f)
{
	free(f->processes);
	free(f->threads);
	memset(f, 0, sizeof(*f));
}
