/* SPDX-License-Identifier: GPL-2.0 */
/*
 * event_send(): a process event to user space.  Rare ones only, so each wakes it; the
 * many others leave that to a ring that fills, as it looks at every tick anyway: waking it
 * each time would take more of the processor than all of tracing.
 */
#ifndef MS_EVENT_BPF_H
#define MS_EVENT_BPF_H

#include <bpf/bpf_core_read.h>

#include "vmlinux.h"
#include "maps.bpf.h"

#define RING_WAKE_BYTES (128 << 10)

static __always_inline __u64 event_wakes(void)
{
	__u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	return waiting > RING_WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* An event about the current thread, or NULL (counted). */
static __always_inline struct ms_event *event_reserve(__u32 kind, __u32 tgid, __u32 id)
{
	struct ms_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		loss_add(MS_LOSS_events, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->tgid = tgid;
	e->tid = (__u32)bpf_get_current_pid_tgid();
	e->id = id;
	e->time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	return e;
}

/* True if it was sent. */
static __always_inline int event_send(__u32 kind, __u32 tgid, __u32 id, __u32 flags)
{
	struct ms_event *e = event_reserve(kind, tgid, id);

	if (!e)
		return 0;
	e->flags = flags;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 1;
}

#endif
