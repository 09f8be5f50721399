/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole system: an iterator that says how much memory each process has, run
 * once a refresh, and the tracepoint of exit, which tells of the processes that
 * lived between two of them.
 */
#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "system.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 cpus = 1; /* possible ones; set before loading */

__u64 ends_lost; /* processes whose end found no room in the ring buffer */
__u64 ooms_lost; /* OOM kills, the same */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MS_SYSTEM_RING);
} ends SEC(".maps");

/* Only for its addresses, see add_cpu(). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

/* ---- the kernel's RSS counters ----------------------------------------- */

/* Of their array: CO-RE knows how large an element is only where its number is a constant. */
#define EACH_COUNTER(X) X(0) X(1) X(2) X(3)

struct sum {
	__s64 pages[MS_SYSTEM_COUNTERS];
	__u64 shares[MS_SYSTEM_COUNTERS]; /* per-CPU pointers to the processors' parts */
	__u64 base;                       /* per-CPU pointer of `percpu` */
};

/* An address as a number: with the verifier's own kind nothing can be calculated. */
static __always_inline __u64 number_of(const void *address)
{
	const void *volatile kept = address;
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), (const void *)&kept);
	return number;
}

/*
 * Adds what one processor has not yet handed in.  __per_cpu_offset[] says where
 * its per-CPU area is, but kallsyms has that only with CONFIG_KALLSYMS_ALL.  So
 * the offset is taken from a map of our own, known both as a per-CPU pointer and
 * as that processor's address.
 */
static long add_cpu(__u32 cpu, struct sum *sum)
{
	__u32 zero = 0, i;
	void *here = bpf_map_lookup_percpu_elem(&percpu, &zero, cpu);
	__u64 offset;

	if (!here)
		return 1;
	offset = number_of(here) - sum->base;
	MS_UNROLL for (i = 0; i < MS_SYSTEM_COUNTERS; i++)
	{
		__s32 share = 0;

		bpf_probe_read_kernel(&share, sizeof(share), (void *)(sum->shares[i] + offset));
		sum->pages[i] += share;
	}
	return 0;
}

/*
 * As /proc/PID/status has them since commit 82241a83cd15 (2025): the sum over all
 * processors.  From 6.2 on it showed only what they had handed in, in batches of
 * max(32, 2 * processors) pages; up to 6.1 there is one number.
 */
static __always_inline void read_counters(struct mm_struct *mm, __s64 *pages)
{
	struct bpf_array *array = (void *)number_of(&percpu);
	struct mm_struct___atomic *old = (void *)mm;
	struct sum sum = {};
	int i;

	if (bpf_core_type_exists(struct mm_rss_stat)) {
#define READ(i) pages[i] = BPF_CORE_READ(old, rss_stat.count[i].counter);
		EACH_COUNTER(READ)
#undef READ
		return;
	}
#define READ(i) sum.pages[i] = BPF_CORE_READ(mm, rss_stat[i].count);
	EACH_COUNTER(READ)
#undef READ
	if (bpf_core_field_exists(mm->rss_stat[0].counters)) {
#define READ(i) sum.shares[i] = (__u64)BPF_CORE_READ(mm, rss_stat[i].counters);
		EACH_COUNTER(READ)
#undef READ
		sum.base = (__u64)BPF_CORE_READ(array, pptrs[0]);
		bpf_loop(cpus, add_cpu, &sum, 0);
	}
	MS_UNROLL for (i = 0; i < MS_SYSTEM_COUNTERS; i++) pages[i] = sum.pages[i];
}

static __always_inline __s64 resident(const __s64 *pages)
{
	return pages[MS_SYSTEM_FILE] + pages[MS_SYSTEM_ANON] + pages[MS_SYSTEM_SHMEM];
}

/* ---- one pass over the tasks ------------------------------------------- */

static __always_inline void read_cgroup(struct task_struct *task, struct ms_system_cgroup *out)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;
	struct cgroup *cgroup = 0;

	/* a number that is another in each build of the kernel */
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		bpf_core_read(
		    &css, sizeof(css),
		    &set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]);
		cgroup = BPF_CORE_READ(css, cgroup);
	}
	out->memory = cgroup && BPF_CORE_READ(cgroup, level);
	if (!out->memory)
		cgroup = BPF_CORE_READ(set, dfl_cgrp);
	out->v1 = BPF_CORE_READ(cgroup, root, hierarchy_id) != 0;
	out->id = BPF_CORE_READ(cgroup, kn, id);
}

static __always_inline void read_memory(struct mm_struct *mm, struct ms_system_process *p)
{
	read_counters(mm, p->pages);
	p->total_vm_pages = BPF_CORE_READ(mm, total_vm);
	p->hiwater_rss_pages = BPF_CORE_READ(mm, hiwater_rss);
	p->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	if (bpf_core_field_exists(mm->hugetlb_usage))
		p->hugetlb_pages = BPF_CORE_READ(mm, hugetlb_usage.counter);
}

static __always_inline void put_process(struct seq_file *seq, struct task_struct *task,
					struct task_struct *leader, struct mm_struct *mm)
{
	struct ms_system_process p = {.kind = MS_SYSTEM_PROCESS};
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	p.tgid = BPF_CORE_READ(task, tgid);
	p.ppid = BPF_CORE_READ(leader, real_parent, tgid);
	p.uid = BPF_CORE_READ(task, real_cred, uid.val);
	p.threads = BPF_CORE_READ(signal, nr_threads);
	p.oom_score_adj = BPF_CORE_READ(signal, oom_score_adj);
	p.start_ns = BPF_CORE_READ(leader, start_boottime);
	p.min_flt = BPF_CORE_READ(task, min_flt);
	p.maj_flt = BPF_CORE_READ(task, maj_flt);
	p.gone_min_flt = BPF_CORE_READ(signal, min_flt);
	p.gone_maj_flt = BPF_CORE_READ(signal, maj_flt);
	read_memory(mm, &p);
	read_cgroup(task, &p.cgroup);
	BPF_CORE_READ_STR_INTO(&p.comm, leader, comm);
	bpf_seq_write(seq, &p, sizeof(p));
}

/*
 * May run more than once for a task, where its record does not fit in what is
 * left of the reader's buffer: so it only writes.
 */
SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task, *leader;
	struct ms_system_thread thread = {.kind = MS_SYSTEM_THREAD};
	struct mm_struct *mm;

	if (!task || BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	/* the last thread is leaving: its end is told by on_exit() */
	if (!BPF_CORE_READ(task, signal, live.counter))
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	mm = BPF_CORE_READ(task, mm);
	if (mm && (leader == task || !BPF_CORE_READ(leader, mm))) {
		put_process(seq, task, leader, mm);
		return 0;
	}
	thread.tgid = BPF_CORE_READ(task, tgid);
	thread.min_flt = BPF_CORE_READ(task, min_flt);
	thread.maj_flt = BPF_CORE_READ(task, maj_flt);
	bpf_seq_write(seq, &thread, sizeof(thread));
	return 0;
}

/* ---- ends ---------------------------------------------------------------- */

/* Nobody is woken for a single one: the reader comes with each refresh, or when much waits. */
static __always_inline __u64 wakeup(void)
{
	return bpf_ringbuf_query(&ends, BPF_RB_AVAIL_DATA) > MS_SYSTEM_RING / 4
		   ? BPF_RB_FORCE_WAKEUP
		   : BPF_RB_NO_WAKEUP;
}

/* The most it had.  maxrss was set from counters that lag; the sum, if it can be had, does not. */
static __always_inline __u64 most_resident(struct task_struct *task, struct signal_struct *signal)
{
	__u64 most = BPF_CORE_READ(signal, maxrss);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__s64 pages[MS_SYSTEM_COUNTERS];

	/* the tracepoint comes before exit_mm() since 6.16 */
	if (!mm)
		return most;
	read_counters(mm, pages);
	return resident(pages) > (__s64)most ? (__u64)resident(pages) : most;
}

/* A thread ends; of the last one of a process the process's end is told. */
static __always_inline int thread_ended(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct ms_system_end *end;

	/* do_exit() has counted this thread out already; the last one sees 0. */
	if (BPF_CORE_READ(signal, live.counter) || BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	end = bpf_ringbuf_reserve(&ends, sizeof(*end), 0);
	if (!end) {
		__sync_fetch_and_add(&ends_lost, 1);
		return 0;
	}
	__builtin_memset(end, 0, sizeof(*end));
	end->kind = MS_SYSTEM_END;
	end->tgid = BPF_CORE_READ(task, tgid);
	end->ppid = BPF_CORE_READ(leader, real_parent, tgid);
	end->exit_code = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
			     ? BPF_CORE_READ(signal, group_exit_code)
			     : BPF_CORE_READ(leader, exit_code);
	end->start_ns = BPF_CORE_READ(leader, start_boottime);
	end->life_ns = bpf_ktime_get_boot_ns() - end->start_ns;
	end->maxrss_pages = most_resident(task, signal);
	end->min_flt = BPF_CORE_READ(signal, min_flt) + BPF_CORE_READ(task, min_flt);
	end->maj_flt = BPF_CORE_READ(signal, maj_flt) + BPF_CORE_READ(task, maj_flt);
	BPF_CORE_READ_STR_INTO(&end->comm, leader, comm);
	BPF_CORE_READ_STR_INTO(&end->parent_comm, leader, real_parent, comm);
	bpf_ringbuf_submit(end, wakeup());
	return 0;
}

/*
 * One of the two is attached.  Newer kernels (seen in 7.2, not in 6.18) let a task
 * be preempted in the program of a BTF tracepoint; it is then passed over for all
 * that end on this processor until the task goes on.  A program on the tracepoint's
 * perf event runs without preemption, but to attach it takes tracefs.
 */
SEC("tp/sched/sched_process_exit")
int on_exit_event(void *ctx)
{
	return thread_ended((struct task_struct *)bpf_get_current_task());
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_btf, struct task_struct *task)
{
	return thread_ended(task);
}

/* ---- OOM kills ------------------------------------------------------------ */

#define PID_MAX (1u << 22) /* include/linux/threads.h */

static __always_inline void read_victim(struct task_struct *task, struct ms_system_oom *oom)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	oom->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	BPF_CORE_READ_STR_INTO(&oom->comm, task, group_leader, comm);
	read_cgroup(task, &oom->cgroup);
	if (!mm)
		return;
	oom->known = 1;
	read_counters(mm, oom->pages);
	oom->total_vm_pages = BPF_CORE_READ(mm, total_vm);
	oom->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
}

/*
 * Raw, since the first argument is the victim's number in some kernels and the
 * victim itself in others, see oom.bpf.c.  The reader is woken: the victim's control
 * group may be gone soon.
 */
SEC("raw_tp/mark_victim")
int on_oom(struct bpf_raw_tracepoint_args *args)
{
	__u64 victim = args->args[0];
	struct task_struct *task = victim > PID_MAX ? (void *)victim : 0;
	struct ms_system_oom *oom = bpf_ringbuf_reserve(&ends, sizeof(*oom), 0);

	if (!oom) {
		__sync_fetch_and_add(&ooms_lost, 1);
		return 0;
	}
	__builtin_memset(oom, 0, sizeof(*oom));
	oom->kind = MS_SYSTEM_OOM;
	oom->tgid = task ? BPF_CORE_READ(task, tgid) : (__u32)victim;
	oom->time_ns = bpf_ktime_get_boot_ns();
	if (task)
		read_victim(task, oom);
	bpf_ringbuf_submit(oom, BPF_RB_FORCE_WAKEUP);
	return 0;
}
