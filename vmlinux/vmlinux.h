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

struct mm_struct;

/* By the kernel's own names; the uapi ones that probes see have an r. */
struct pt_regs___kernel {
	unsigned long bx, bp, sp, ip;
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
