/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel side of the whole system, loaded: a pass over all tasks, and the
 * ends of processes.  The only file of system/ that knows libbpf.
 */
#ifndef MS_TASKS_H
#define MS_TASKS_H

#include <stdint.h>

#include "system.h"

struct tasks;

/* 0, or a negative errno after one line that says what is missing. */
int tasks_open(struct tasks **out);
void tasks_close(struct tasks *t);

struct tasks_pass {
	void (*process)(const struct ms_system_process *process, void *context);
	void (*thread)(const struct ms_system_thread *thread, void *context);
};
/*
 * Goes over every task once.  Nothing is given to the functions unless all of
 * it could be read.  0 or a negative errno.
 */
int tasks_read(struct tasks *t, const struct tasks_pass *pass, void *context);

struct tasks_events {
	void (*end)(const struct ms_system_end *end, void *context);
	void (*oom)(const struct ms_system_oom *oom, void *context);
};
/*
 * A file descriptor that is readable when many ends wait, or an OOM kill; and the reading
 * of all there are.
 */
int tasks_events_fd(const struct tasks *t);
void tasks_events_read(struct tasks *t, const struct tasks_events *events, void *context);
/* Ends that found no room, and at most how many were passed over; OOM kills that found none. */
uint64_t tasks_ends_lost(const struct tasks *t);
uint64_t tasks_ooms_lost(const struct tasks *t);

#endif
