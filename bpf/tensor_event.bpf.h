/* SPDX-License-Identifier: GPL-2.0 */
/* An event of the tensor layer, about the current thread. */
#ifndef MS_TENSOR_EVENT_BPF_H
#define MS_TENSOR_EVENT_BPF_H

#include "event.bpf.h"
#include "maps.bpf.h"
#include "tensor.h"

/* To be filled in and submitted; NULL: no room (counted). */
static __always_inline struct ms_tensor_event *tensor_event(__u32 what, __u32 image,
							    const struct ms_row *row, __u64 cookie)
{
	struct ms_tensor_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	__u64 who = bpf_get_current_pid_tgid();

	if (!e) {
		loss_add(MS_LOSS_tensor_events, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = MS_EVENT_TENSOR;
	e->tgid = who >> 32;
	e->tid = who;
	e->image = image;
	e->time_ns = bpf_ktime_get_ns();
	e->what = what;
	e->layer = row->layer;
	e->row = MS_COOKIE_ROW(cookie);
	e->dtype = MS_DTYPE_NONE;
	return e;
}

#endif
