/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The OOM killer has chosen a traced process.  A raw tracepoint, since its first
 * argument is the victim's number in some kernels and the victim itself in others
 * (commit 72ba14deb40a of 6.9, which went into older stable ones, too).
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "memsnoop.h"
#include "maps.bpf.h"
#include "call.bpf.h"
#include "rss.bpf.h"

#define PID_MAX (1u << 22) /* include/linux/threads.h */

static __always_inline void read_victim(struct task_struct *task, struct ms_oom_event *e)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	e->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	if (!mm)
		return;
	e->known = 1;
	e->pages[MS_RSS_FILE] = RSS_PAGES(mm, MS_RSS_FILE);
	e->pages[MS_RSS_ANON] = RSS_PAGES(mm, MS_RSS_ANON);
	e->pages[MS_RSS_SWAP] = RSS_PAGES(mm, MS_RSS_SWAP);
	e->pages[MS_RSS_SHMEM] = RSS_PAGES(mm, MS_RSS_SHMEM);
	e->total_vm_pages = BPF_CORE_READ(mm, total_vm);
	e->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
}

/* Runs in whoever ran out of memory, seldom the victim. */
SEC("?raw_tp/mark_victim")
int oom_marked(struct bpf_raw_tracepoint_args *args)
{
	__u64 victim = args->args[0];
	struct task_struct *task = victim > PID_MAX ? (void *)victim : 0;
	/* A thread's number: the leader's, unless that has ended before the others. */
	__u32 tgid = task ? BPF_CORE_READ(task, tgid) : (__u32)victim;
	struct ms_proc *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct ms_oom_event *e;

	if (!proc)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		loss_add(MS_LOSS_events, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = MS_EVENT_OOM;
	e->tgid = tgid;
	e->image = proc->id;
	e->time_ns = bpf_ktime_get_ns();
	if (task)
		read_victim(task, e);
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}
