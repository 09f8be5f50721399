/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel types our BPF programs read, with the fields they read and no
 * others.  CO-RE: libbpf finds each field's place in the running kernel's BTF
 * when the program is loaded, so neither order nor size matters here, and no
 * kernel headers are needed to build.
 */
#ifndef MS_VMLINUX_H
#define MS_VMLINUX_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

/* ---- control groups --------------------------------------------------- */

enum cgroup_subsys_id {
	memory_cgrp_id = 4, /* in this kernel: see bpf_core_enum_value() */
};

struct kernfs_node {
	__u64 id; /* its inode number */
};

struct cgroup_root {
	int hierarchy_id; /* 0: version 2 */
};

struct cgroup {
	int level; /* 0: the root */
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* as many as there are controllers */
	struct cgroup *dfl_cgrp;               /* in version 2 */
};

/* ---- processes --------------------------------------------------------- */

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct task_struct;

/* By the kernel's own names; the uapi ones that probes see have an r. */
#if defined(__TARGET_ARCH_arm64)
struct pt_regs___kernel {
	__u64 regs[31], sp, pc;
	__u64 orig_x0;   /* of a system call: its first argument */
	__s32 syscallno; /* and its number */
};
#else
struct pt_regs___kernel {
	unsigned long bx, bp, sp, ip;
	unsigned long di, si, dx, r10, r8; /* of a system call: its arguments */
	unsigned long orig_ax;             /* and its number */
};
#endif

/*
 * `count` lacks what processors have counted and not yet added, less than a batch
 * each: an s32 of each, at `counters` in its per-CPU area.
 */
struct percpu_counter {
	__s64 count;
	__s32 *counters; /* with CONFIG_SMP */
};

typedef struct {
	long counter;
} atomic_long_t;

struct mm_struct {
	unsigned long start_brk, brk;
	unsigned long total_vm;    /* pages */
	unsigned long hiwater_rss; /* pages; raised only before RSS is lowered */
	atomic_long_t pgtables_bytes;
	atomic_long_t hugetlb_usage; /* pages, with CONFIG_HUGETLB_PAGE */
	struct task_struct *owner;   /* with CONFIG_MEMCG */
	/* file, anonymous, swap, shmem; in this order since 4.5 */
	struct percpu_counter rss_stat[4];
};

/* Up to 6.1; percpu_counter since 6.2, commit f1a7941243c1. */
struct mm_rss_stat {
	atomic_long_t count[4];
};
struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_flags;
	struct mm_struct *vm_mm;
};

struct signal_struct {
	atomic_t live; /* threads not yet exiting */
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
	unsigned long maxrss;           /* pages, set by do_exit() before sched_process_exit */
	unsigned long min_flt, maj_flt; /* of threads that are gone */
	short oom_score_adj;
};

/* Open return probes of a thread, innermost first. */
struct return_instance {
	unsigned long stack; /* address of the return slot */
	unsigned long orig_ret_vaddr;
	struct return_instance *next;
};

struct uprobe_task {
	struct return_instance *return_instances;
};

/* What system call a thread is in: TS_COMPAT is a 32-bit one. */
struct thread_info {
	__u32 status;
	unsigned long flags; /* on arm64 TIF_32BIT, which is the same */
};

/* Where a thread's own variables are: as of clone, or the last time it was switched out. */
#if defined(__TARGET_ARCH_arm64)
struct thread_struct {
	struct {
		unsigned long tp_value;
	} uw;
};
#else
struct thread_struct {
	unsigned long fsbase; /* and of arch_prctl */
};
#endif

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	int exit_code;
	unsigned long min_flt, maj_flt;
	char comm[16];
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct uprobe_task *utask; /* with CONFIG_UPROBES, which we need anyway */
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	const struct cred *real_cred;
	struct css_set *cgroups;
	int pagefault_disabled; /* faults are answered with an error: a probe's read */
	struct thread_info thread_info;
	__u64 start_boottime; /* since 5.5; real_start_time before */
	struct thread_struct thread;
};

/* The name up to 5.4. */
struct task_struct___old {
	__u64 real_start_time;
};

struct kmem_cache {
	const char *name;
	unsigned int size;        /* what an object takes */
	unsigned int object_size; /* what is asked for */
};

enum migratetype { MIGRATE_MOVABLE = 1 };
/* ---- BPF: an iterator's context, and an array with an element for each processor ---- */

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task; /* NULL: that was all */
};

struct bpf_array {
	void *pptrs[1];
};

/* ---- what perf's tracepoints give ---------------------------------------- */

struct trace_event_raw_sched_process_fork {
	int child_pid;
};

struct trace_event_raw_sched_process_exec {
	int old_pid;
};

#pragma clang attribute pop

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */
#define PF_KTHREAD 0x00200000        /* include/linux/sched.h */

#endif
