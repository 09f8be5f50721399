/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a thread, made when it is first needed; task.bpf.c drops it. */
#ifndef MS_THREAD_BPF_H
#define MS_THREAD_BPF_H

#include "maps.bpf.h"

static struct task_state *thread_get(__u32 tid)
{
	static const struct task_state zero;
	struct task_state *task = bpf_map_lookup_elem(&tasks, &tid);

	if (task)
		return task;
	bpf_map_update_elem(&tasks, &tid, &zero, BPF_NOEXIST);
	task = bpf_map_lookup_elem(&tasks, &tid);
	if (!task)
		loss_add(MS_LOSS_tasks_full, 1);
	return task;
}

#endif
