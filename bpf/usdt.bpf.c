/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of programs (USDT).  What they say is told, and is no event of an account: the
 * blocks they are about are known by the functions that alloc.bpf.c sees.
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>

#include "memsnoop.h"
#include "maps.bpf.h"
#include "preempted.bpf.h"
#include "tensor_event.bpf.h"
#include "usdt.h"

char LICENSE_usdt[] SEC("license") = "GPL";

struct ms_usdt usdt_layouts[MS_USDT_LAYOUTS]; /* set while programs run, each once */

/* Its place is checked by user space; at a place that is wrong something wrong is read. */
static __always_inline __u64 register_at(struct pt_regs *ctx, __u16 place)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + place);
	return value;
}

/* False: it cannot be read. */
static __always_inline int usdt_read(struct pt_regs *ctx, const struct ms_usdt_argument *a,
				     __u64 *out)
{
	/* As the verifier sees it, up to 15 bytes may come. */
	__u32 size = a->size & 15, unused = 64 - 8 * size;
	__u64 value = 0, address, words[2] = {};

	switch (a->form) {
	case MS_USDT_CONSTANT:
		value = a->value;
		break;
	case MS_USDT_REGISTER:
		value = register_at(ctx, a->base);
		break;
	case MS_USDT_MEMORY:
		address = register_at(ctx, a->base) + a->value;
		if (a->indexed)
			address += register_at(ctx, a->index) << (a->shift & 3);
		if (bpf_probe_read_user(words, size, (void *)address))
			return 0;
		value = words[0];
		break;
	default:
		return 0;
	}
	value <<= unused & 63;
	*out = a->sign ? (__u64)((__s64)value >> (unused & 63)) : value >> (unused & 63);
	return 1;
}

/* Argument `number` of a row, which is 0 if the row has none. */
static __always_inline int usdt_argument(struct pt_regs *ctx, const struct ms_usdt *layout,
					 __u8 number, __u64 *out)
{
	*out = 0;
	return !number || usdt_read(ctx, &layout->argument[(number - 1) % MS_USDT_ARGUMENTS], out);
}

/* An allocator says what was asked for a block that it has told of. */
static __always_inline int on_request(struct pt_regs *ctx, __u32 image, __u64 cookie,
				      const struct ms_row *row)
{
	const struct ms_usdt *layout =
	    &usdt_layouts[MS_USDT_COOKIE_LAYOUT(cookie) % MS_USDT_LAYOUTS];
	__u64 address, size, stream, device;
	struct ms_tensor_event *e;

	if (!usdt_argument(ctx, layout, row->ptr_arg, &address) ||
	    !usdt_argument(ctx, layout, row->size_arg, &size) ||
	    !usdt_argument(ctx, layout, row->device_arg, &device) ||
	    !usdt_argument(ctx, layout, row->stream_arg, &stream)) {
		loss_add(MS_LOSS_read_failed, 1);
		return 0;
	}
	if (!address)
		return 0;
	e = tensor_event(MS_TENSOR_REQUEST, image, row, cookie);
	if (!e)
		return 0;
	e->device = MS_DEVICE(0, device);
	e->address = address;
	e->size = size;
	e->stream = stream;
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

/* Nothing is told but that it is now. */
static __always_inline int on_moment(__u32 image, __u64 cookie, const struct ms_row *row)
{
	struct ms_tensor_event *e = tensor_event(MS_TENSOR_MOMENT, image, row, cookie);

	if (e)
		bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

static __always_inline int on_tracepoint(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	const struct ms_row *row = &rows[MS_COOKIE_ROW(cookie) % MS_ROWS_MAX];
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (!proc || !(proc->flags & MS_PROC_READY) || stopped)
		return 0;
	return row->kind == MS_KIND_MOMENT ? on_moment(proc->id, cookie, row)
					   : on_request(ctx, proc->id, cookie, row);
}

SEC("uprobe")
int usdt_perf(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	return on_tracepoint(ctx);
}

SEC("uprobe")
int usdt_multi(struct pt_regs *ctx)
{
	stay_on_stack(ctx);
	return on_tracepoint(ctx);
}
