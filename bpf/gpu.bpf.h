/* SPDX-License-Identifier: GPL-2.0 */
/* gpu_begin(), gpu_end(): the calls of the gpu layer, told. */
#ifndef MS_GPU_BPF_H
#define MS_GPU_BPF_H

#include "event.bpf.h"
#include "gpu.h"
#include "maps.bpf.h"

/* An event about the open call.  All of it lies in the ring: the stack is nearly full. */
static __always_inline struct ms_gpu_event *gpu_event(const struct task_state *task,
						      const struct pending *open)
{
	struct ms_gpu_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	__u64 who = bpf_get_current_pid_tgid();

	if (!e) {
		loss_add(MS_LOSS_gpu_events, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = MS_EVENT_GPU;
	e->tgid = who >> 32;
	e->tid = who;
	e->image = open->id;
	e->time_ns = bpf_ktime_get_ns();
	e->row = MS_COOKIE_ROW(open->cookie);
	__builtin_memcpy(e->argument, task->gpu_argument, sizeof(e->argument));
	return e;
}

/* The call was opened; its seventh and eighth argument are noted already. */
static __noinline int gpu_begin(struct task_state *task, const struct pending *open,
				const struct ms_row *row)
{
	struct ms_gpu_event *e;
	int i;

	MS_UNROLL
	for (i = 0; i < 6; i++)
		task->gpu_argument[i] = task->registers.argument[i + 1];
	if (row->kind != MS_KIND_FREE)
		return 0;
	e = gpu_event(task, open);
	if (!e)
		return 0;
	e->begins = 1;
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

static __always_inline __u64 gpu_argument(const struct task_state *task, __u8 number)
{
	return number ? task->gpu_argument[(number - 1) % MS_GPU_ARGUMENTS] : 0;
}

/* The call has returned `result`. */
static __noinline int gpu_end(struct task_state *task, const struct pending *open,
			      const struct ms_row *row, __u64 result, __u64 stack)
{
	struct ms_gpu_event *e = gpu_event(task, open);
	__u32 words = row->desc_nr;

	if (!e)
		return 0;
	e->result = result;
	e->stack = stack;
	if (row->ptr_out &&
	    bpf_probe_read_user(&e->out, sizeof(e->out), (void *)gpu_argument(task, row->ptr_arg)))
		e->unread |= MS_GPU_NO_OUT;
	if (row->size_out && bpf_probe_read_user(&e->value, sizeof(e->value),
						 (void *)gpu_argument(task, row->size_arg)))
		e->unread |= MS_GPU_NO_VALUE;
	if (words > MS_GPU_WORDS)
		words = MS_GPU_WORDS;
	if (row->desc_arg &&
	    bpf_probe_read_user(e->words, words * sizeof(e->words[0]),
				(void *)(gpu_argument(task, row->desc_arg) + row->desc_at)))
		e->unread |= MS_GPU_NO_WORDS;
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

#endif
