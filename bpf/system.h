/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The contract between bpf/system/ and user/system/: what one pass over the
 * tasks says of each, and what a process leaves behind.  Fixed width, no pointers.
 */
#ifndef MS_SYSTEM_H
#define MS_SYSTEM_H

#include <linux/types.h>

#define MS_SYSTEM_COMM_LEN 16
#define MS_SYSTEM_RING (1u << 22) /* bytes of ends that may wait to be read: 36,000 of them */

/* The verifier of old kernels follows a loop that is written out more cheaply. */
#ifdef __clang__
#define MS_UNROLL _Pragma("unroll")
#else
#define MS_UNROLL
#endif

/* The kernel's counters of an mm, in its own order (MM_FILEPAGES …), in pages. */
enum ms_system_counter {
	MS_SYSTEM_FILE,
	MS_SYSTEM_ANON,
	MS_SYSTEM_SWAP,
	MS_SYSTEM_SHMEM,
	MS_SYSTEM_COUNTERS,
};

enum ms_system_kind {
	MS_SYSTEM_PROCESS, /* struct ms_system_process */
	MS_SYSTEM_THREAD,  /* struct ms_system_thread: one more thread of a process */
	MS_SYSTEM_END,     /* struct ms_system_end */
	MS_SYSTEM_OOM,     /* struct ms_system_oom */
};

struct ms_system_thread {
	__u32 kind;
	__u32 tgid;
	__u64 min_flt, maj_flt; /* its own */
};

/* Which memory cgroup, or where that is the root (or there is none) which one of version 2. */
struct ms_system_cgroup {
	__u64 id;     /* the inode number of its directory */
	__u32 memory; /* 1: a memory cgroup */
	__u32 v1;     /* 1: it is in the hierarchy of version 1 */
};

/*
 * Once for each process that has memory: at its leader, or at the first other
 * thread if the leader has ended before the others.
 */
struct ms_system_process {
	__u32 kind;
	__u32 tgid;
	__u32 ppid;
	__u32 uid; /* real */
	__u32 threads;
	__s32 oom_score_adj;
	__u64 start_ns; /* task->start_boottime of the leader */
	__s64 pages[MS_SYSTEM_COUNTERS];
	__u64 total_vm_pages;
	__u64 hiwater_rss_pages;
	__u64 hugetlb_pages;
	__u64 page_table_bytes;
	__u64 min_flt, maj_flt;           /* of this thread */
	__u64 gone_min_flt, gone_maj_flt; /* of threads that are gone */
	struct ms_system_cgroup cgroup;
	char comm[MS_SYSTEM_COMM_LEN]; /* of the leader */
};

/* A process ended: its last thread did. */
struct ms_system_end {
	__u32 kind;
	__u32 tgid;
	__u32 ppid;
	__u32 exit_code; /* as wait(2) gives it */
	__u64 start_ns;
	__u64 life_ns;
	__u64 maxrss_pages; /* the most it had, as every program it was */
	__u64 min_flt, maj_flt;
	char comm[MS_SYSTEM_COMM_LEN];
	char parent_comm[MS_SYSTEM_COMM_LEN];
};

/* The OOM killer has chosen a process. */
struct ms_system_oom {
	__u32 kind;
	__u32 tgid;
	__u32 known; /* 0: the kernel told no more than tgid */
	__s32 oom_score_adj;
	__u64 time_ns; /* after boot, with sleep */
	__s64 pages[MS_SYSTEM_COUNTERS];
	__u64 total_vm_pages;
	__u64 page_table_bytes;
	struct ms_system_cgroup cgroup;
	char comm[MS_SYSTEM_COMM_LEN];
};

/* ---- loss counters: each one is asserted by a test, shown and exported -- */

#define MS_SYSTEM_LOSSES(X)                                                                        \
	X(ends, "ends of processes that were not counted (ring buffer full, or passed over)")      \
	X(ooms, "OOM kills that are not listed (too many)")                                        \
	X(refreshes, "refreshes that failed")                                                      \
	X(groups_full, "short-lived processes counted under no name (too many names)")             \
	X(ended_unlisted, "ended processes no longer listed (too many)")                           \
	X(cgroups_unnamed, "control groups whose path could not be found")

enum ms_system_loss {
#define X(id, text) MS_SYSTEM_LOSS_##id,
	MS_SYSTEM_LOSSES(X)
#undef X
	    MS_SYSTEM_LOSS_NR
};

#endif
