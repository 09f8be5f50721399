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

struct task_struct;

/* By the kernel's own names; the uapi ones that probes see have an r. */
struct pt_regs___kernel {
	unsigned long bx, bp, sp, ip;
	unsigned long di, si, dx, r10, r8; /* of a system call: its arguments */
	unsigned long orig_ax;             /* and its number */
};

/* What the CPUs have counted and not yet added is left out: at most a batch each. */
struct percpu_counter {
	__s64 count;
};

typedef struct {
	long counter;
} atomic_long_t;

struct mm_struct {
	unsigned long start_brk, brk;
	struct task_struct *owner; /* with CONFIG_MEMCG */
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
};

struct signal_struct {
	atomic_t live; /* threads not yet exiting */
	int group_exit_code;
	unsigned int flags;
	unsigned long maxrss; /* pages, set by do_exit() before sched_process_exit */
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
};

struct thread_struct {
	unsigned long fsbase; /* as of clone, arch_prctl, or the last time it was switched out */
};

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	char comm[16];
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct uprobe_task *utask; /* with CONFIG_UPROBES, which we need anyway */
	struct task_struct *group_leader;
	int pagefault_disabled; /* faults are answered with an error: a probe's read */
	unsigned long maj_flt;
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

#pragma clang attribute pop

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

#endif
