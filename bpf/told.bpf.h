/* SPDX-License-Identifier: GPL-2.0 */
/* What the functions of the tensor layer tell at their entry, by the kind of their row. */
#ifndef MS_TOLD_BPF_H
#define MS_TOLD_BPF_H

#include "alloc_call.bpf.h"

/* A function that is told of a new block: its own caller's stack, from here. */
static __always_inline void on_told(struct pt_regs *ctx, struct task_state *task,
				    const struct ms_block_key *key, const struct ms_row *row,
				    __u64 cookie, __u64 size)
{
	__u64 hash = stack_here(ctx, task, key->id);

	task->last_alloc = key->address;
	task->last_free = 0;
	account_alloc(key, row->layer, size, hash, bpf_ktime_get_ns());
	tensor_block(MS_TENSOR_ALLOC, row, cookie, key, size, hash, task);
}

static __always_inline void on_told_free(struct task_state *task, struct pending *open,
					 const struct ms_block_key *key, const struct ms_row *row,
					 __u64 cookie)
{
	__s64 size = on_free(task, open, key, row->layer);

	if (size >= 0)
		tensor_block(MS_TENSOR_FREE, row, cookie, key, size, 0, task);
}

/*
 * PyTorch's reportMemoryUsageToProfiler(), which every allocator calls for every block,
 * but that of the host only while it is being profiled, and then says how much it has
 * allocated in all; we know those blocks.  What is mapped from files says 0.
 */
static __always_inline void on_report(struct pt_regs *ctx, struct task_state *task,
				      struct pending *open, struct ms_block_key *key,
				      const struct ms_row *row, __u64 cookie,
				      const struct registers *r)
{
	__s64 bytes = (__s64)argument(r, row->size_arg);
	__u16 device = argument(r, row->device_arg);
	__u64 total = argument(r, row->total_arg);

	if (MS_DEVICE_TYPE(device) == MS_DEVICE_CPU)
		device = 0; /* its index is -1 */
	key->space = MS_SPACE(row->layer, device);
	if (bytes > 0 && (MS_DEVICE_TYPE(device) != MS_DEVICE_CPU || !total))
		on_told(ctx, task, key, row, cookie, bytes);
	if (bytes < 0 && (MS_DEVICE_TYPE(device) != MS_DEVICE_CPU || !total))
		on_told_free(task, open, key, row, cookie);
}

static __always_inline void on_failed(struct pt_regs *ctx, struct task_state *task, __u32 id,
				      const struct ms_row *row, __u64 size)
{
	account_failed(id, row->layer, stack_here(ctx, task, id), size);
}

/* Tensors are about to be changed: one is given by where its pointer lies, as a list is. */
static __always_inline void on_update(struct pt_regs *ctx, __u32 id, const struct ms_row *row,
				      __u64 cookie, const struct registers *r)
{
	__u64 list[2] = {argument(r, row->ptr_arg), row->lists ? argument(r, row->ptr_arg + 1) : 1};
	int i;

	updates_tell(id, row, cookie, list[0], list[1]);
	MS_UNROLL
	for (i = 1; i < MS_LISTS_MAX; i++) {
		if (i >= row->lists)
			return;
		arch_pair(ctx, r, i - 1, list);
		updates_tell(id, row, cookie, list[0], list[1]);
	}
}

/* What is neither an allocation function nor known to all layers. */
static __always_inline void on_tensor(struct pt_regs *ctx, struct task_state *task,
				      struct pending *open, __u32 id, const struct ms_row *row,
				      __u64 cookie, const struct registers *r)
{
	__u64 address = argument(r, row->ptr_arg);
	struct ms_block_key key = {.id = id, .space = row->layer, .address = address};
	struct ms_tensor_event *e;

	if (row->only_arg && (__u8)argument(r, row->only_arg) != row->only_value)
		return;
	switch (row->kind) {
	case MS_KIND_ALLOC:
		if (address && argument(r, row->size_arg))
			on_told(ctx, task, &key, row, cookie, argument(r, row->size_arg));
		break;
	case MS_KIND_FREE:
		on_told_free(task, open, &key, row, cookie);
		break;
	case MS_KIND_REPORT:
		on_report(ctx, task, open, &key, row, cookie, r);
		break;
	case MS_KIND_FAILED:
		/* The host's allocator says so itself; this is its echo, while it is profiled. */
		if (row->device_arg &&
		    MS_DEVICE_TYPE(argument(r, row->device_arg)) == MS_DEVICE_CPU)
			break;
		on_failed(ctx, task, id, row, argument(r, row->size_arg));
		break;
	case MS_KIND_SHAPE:
		tensor_shape(task, argument(r, row->dims_arg), argument(r, row->dims_arg + 1),
			     argument(r, row->dtype_arg));
		break;
	case MS_KIND_USAGE:
		e = tensor_event(MS_TENSOR_USAGE, id, row, cookie);
		if (!e)
			break;
		e->address = address;
		e->size = argument(r, row->size_arg);
		bpf_ringbuf_submit(e, event_wakes());
		break;
	case MS_KIND_PARAMETER:
		tensor_parameter(address, id, row, cookie);
		break;
	case MS_KIND_UPDATE:
		/* Steps of optimizers are ranges; all other places are left quickly. */
		if (task->range_nr)
			on_update(ctx, id, row, cookie, r);
		break;
	case MS_KIND_RANGE:
		range_call(MS_TENSOR_BEGIN, id, row, cookie, r->sp);
		break;
	case MS_KIND_NAME:
		range_name(task, row, argument(r, row->name_arg));
		break;
	case MS_KIND_PUSH:
		if (range_was_told(task, cookie, address))
			break;
		if (row->name_arg)
			range_name(task, row, argument(r, row->name_arg));
		range_push(task, id, row, cookie, address, stack_here(ctx, task, id),
			   PT_REGS_IP(ctx));
		break;
	case MS_KIND_POP:
		range_pop(task, id, row, cookie, address, PT_REGS_IP(ctx));
		break;
	}
}

/* The return of a call that is a range. */
static __always_inline int on_range_end(const struct ms_row *row, __u64 cookie, __u64 sp)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (proc && proc->flags & MS_PROC_READY && !stopped)
		range_call(MS_TENSOR_END, proc->id, row, cookie, sp - MS_RETURN_POPS);
	return 0;
}

#endif
