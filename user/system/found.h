/* SPDX-License-Identifier: GPL-2.0 */
/* What one pass over the tasks found, put together: each process once, with all its threads. */
#ifndef MS_FOUND_H
#define MS_FOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "system.h"

struct found {
	struct ms_system_process *processes; /* by pid, after found_merge() */
	size_t count, room;
	struct ms_system_thread *threads;
	size_t thread_count, thread_room;
};

/* A new pass. */
void found_begin(struct found *f);
/* 0 or -ENOMEM. */
int found_add(struct found *f, const struct ms_system_process *process);
int found_add_thread(struct found *f, const struct ms_system_thread *thread);
/* Whether a process was added so far. */
bool found_knows(const struct found *f, int pid);
void found_merge(struct found *f);
void found_free(struct found *f);

#endif
