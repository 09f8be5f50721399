/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rss layer: page faults by stack, who touched each page first, and the
 * kernel's own counters of what is resident.
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "memsnoop.h"
#include "maps.bpf.h"
#include "account.bpf.h"
#include "call.bpf.h"
#include "rss.bpf.h"
#include "thread.bpf.h"
#include "touch.bpf.h"

/* arch/x86/include/asm/trap_pf.h */
#define FAULT_PRESENT 1u /* the page is there: its protection was in the way */
#define FAULT_WRITE 2u

/* enum fault_flag, include/linux/mm_types.h */
#define FAULT_FLAG_WRITE 1u
#define FAULT_FLAG_TRIED 32u /* it has been here before, and counted */

#define VM_SHARED 8u /* include/linux/mm.h */

static long is_private(struct task_struct *thread, struct vm_area_struct *area, void *data)
{
	*(__u32 *)data = !(BPF_CORE_READ(area, vm_flags) & VM_SHARED);
	return 0;
}

/*
 * Whether a fault makes the page the toucher's: it was not there, or a write to a
 * private one, which copies it (after fork, of a file, of the page of zeroes).  A
 * write to a shared page that is there only marks it.
 */
static __always_inline int makes_page(struct task_struct *thread, __u64 address, __u64 code)
{
	__u32 private = 0;

	if (!(code & FAULT_PRESENT))
		return 1;
	if (code & FAULT_WRITE)
		bpf_find_vma(thread, address, is_private, &private, 0);
	return private;
}

/* ---- faults by stack ------------------------------------------------------- */

/*
 * Whether the thread's last fault was a major one is only known now: the kernel
 * counts it when it is over.
 */
static __always_inline void major_settle(struct task_state *task, struct task_struct *thread,
					 __u32 image)
{
	struct ms_stack_key key = {.id = image, .layer = MS_LAYER_RSS, .hash = task->fault_stack};
	__u64 major = BPF_CORE_READ(thread, maj_flt);
	struct ms_stack_totals *s;

	if (task->fault_open && major != task->major_faults) {
		s = bpf_map_lookup_elem(&totals, &key);
		if (s)
			__sync_fetch_and_add(&s->temporary, 1);
	}
	task->fault_open = 0;
	task->major_faults = major;
}

/* Counts a fault of the current thread; the stack it happened in, 0 if it does not count. */
static __always_inline __u64 fault_count(struct task_struct *thread, struct ms_proc *proc)
{
	struct task_state *task = thread_get(bpf_get_current_pid_tgid());
	struct ms_stack_totals *s;
	struct ms_totals *t;
	struct position at;
	__u64 stack;

	if (!task)
		return 0;
	major_settle(task, thread, proc->id);
	user_position(thread, 1, &at);
	stack = stack_walk(&at, task, proc->id, 0);
	t = account_image(proc->id, MS_LAYER_RSS);
	s = account_stack(proc->id, MS_LAYER_RSS, &stack);
	if (!t || !s)
		return 0;
	__sync_fetch_and_add(&t->allocs, 1);
	__sync_fetch_and_add(&s->allocs, 1);
	task->fault_stack = stack;
	task->fault_open = 1;
	return stack;
}

/* An exception: the processor says what was wrong. */
static __always_inline int on_exception(__u64 address, __u64 code)
{
	struct task_struct *thread = (void *)bpf_get_current_task_btf();
	struct ms_proc *proc = counted_proc(bpf_get_current_pid_tgid() >> 32);
	__u64 stack;

	/* What a probe may not read is no fault of the program's.  It is also why the
	 * thread's scratch is free here: the programs that use it read so.  (Read by a
	 * helper, the field would count the helper's own.) */
	if (!proc || address >= MS_ADDRESS_MAX || thread->pagefault_disabled)
		return 0;
	stack = fault_count(thread, proc);
	if (makes_page(thread, address, code))
		touch_note(proc->id, address / MS_PAGE, stack);
	return 0;
}

/*
 * The kernel's own function, which system calls that fill memory call, too.  It is not
 * told whether the page is there.  A write to a shared one may only mark it: then
 * who touched it first stays.
 */
static __always_inline int on_mm_fault(struct vm_area_struct *area, __u64 address, __u32 flags)
{
	struct task_struct *thread = (void *)bpf_get_current_task_btf();
	struct ms_proc *proc = counted_proc(bpf_get_current_pid_tgid() >> 32);
	__u64 stack;

	if (!proc || address >= MS_ADDRESS_MAX || flags & FAULT_FLAG_TRIED ||
	    BPF_CORE_READ(area, vm_mm) != BPF_CORE_READ(thread, mm))
		return 0;
	stack = fault_count(thread, proc);
	if (BPF_CORE_READ(area, vm_flags) & VM_SHARED && flags & FAULT_FLAG_WRITE &&
	    touch_known(proc->id, address / MS_PAGE))
		return 0;
	touch_note(proc->id, address / MS_PAGE, stack);
	return 0;
}

/* Each way to see a page fault, best first; the loader loads one. */
SEC("?fentry")
int BPF_PROG(fault_fentry, struct vm_area_struct *area, unsigned long address, unsigned int flags)
{
	return on_mm_fault(area, address, flags);
}

SEC("?kprobe")
int fault_kprobe(struct pt_regs *ctx)
{
	return on_mm_fault((void *)PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(fault_user_tracepoint, unsigned long address, struct pt_regs *regs, unsigned long code)
{
	return on_exception(address, code);
}

/* A system call touches user memory. */
SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel_tracepoint, unsigned long address, struct pt_regs *regs,
	     unsigned long code)
{
	return on_exception(address, code);
}

SEC("?raw_tp/page_fault_user")
int fault_user_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return on_exception(ctx->args[0], ctx->args[2]);
}

SEC("?raw_tp/page_fault_kernel")
int fault_kernel_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return on_exception(ctx->args[0], ctx->args[2]);
}

/* ---- the kernel's counters --------------------------------------------------- */

static const struct ms_rss rss_zero;

static __always_inline __u32 image_of(struct mm_struct *mm)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct ms_proc *proc;

	if (bpf_core_field_exists(mm->owner))
		tgid = BPF_CORE_READ(mm, owner, tgid);
	proc = counted_proc(tgid);
	return proc ? proc->id : 0;
}

/*
 * A counter of some process's memory changed, by whoever is current.  All of them are
 * read: which one it was, and by how much, is told in other ways in each version.
 */
static __always_inline int on_rss(struct mm_struct *mm)
{
	__u32 image = image_of(mm);
	struct ms_rss *r;
	__s64 resident;

	if (!image)
		return 0;
	r = bpf_map_lookup_elem(&rss, &image);
	if (!r) {
		bpf_map_update_elem(&rss, &image, &rss_zero, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&rss, &image);
	}
	if (!r) {
		loss_add(MS_LOSS_rss_full, 1);
		return 0;
	}
	r->pages[MS_RSS_FILE] = RSS_PAGES(mm, MS_RSS_FILE);
	r->pages[MS_RSS_ANON] = RSS_PAGES(mm, MS_RSS_ANON);
	r->pages[MS_RSS_SWAP] = RSS_PAGES(mm, MS_RSS_SWAP);
	r->pages[MS_RSS_SHMEM] = RSS_PAGES(mm, MS_RSS_SHMEM);
	resident = r->pages[MS_RSS_FILE] + r->pages[MS_RSS_ANON] + r->pages[MS_RSS_SHMEM];
	if (r->tick != rss_tick || resident > r->high_pages)
		r->high_pages = resident;
	r->tick = rss_tick;
	if (resident > r->peak_pages) {
		r->peak_pages = resident;
		r->peak_at_ns = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("?fentry")
int BPF_PROG(rss_fentry, struct mm_struct *mm)
{
	return on_rss(mm);
}

SEC("?kprobe")
int rss_kprobe(struct pt_regs *ctx)
{
	return on_rss((void *)PT_REGS_PARM1(ctx));
}

SEC("?tp_btf/rss_stat")
int BPF_PROG(rss_tracepoint, struct mm_struct *mm)
{
	return on_rss(mm);
}

SEC("?raw_tp/rss_stat")
int rss_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return on_rss((void *)ctx->args[0]);
}
