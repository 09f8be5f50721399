/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc says of one process. */
#ifndef MS_PROCESS_H
#define MS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes, as proc(5)'s status has them. */
struct process_memory {
	uint64_t rss_bytes, rss_peak_bytes;
	uint64_t anon_bytes, file_bytes, shmem_bytes; /* they sum to rss_bytes */
	uint64_t swap_bytes, page_table_bytes, mapped_bytes;
	uint64_t code_bytes; /* mapped to be executed and not to be written */
};

/* What else a table of all processes says of one. */
struct process_usage {
	pid_t parent;
	uid_t uid;
	unsigned threads;
	int oom_score_adj;
	uint64_t start_ns; /* after boot, in clock ticks */
	struct process_memory memory;
	uint64_t hugetlb_bytes;
	uint64_t minor, major; /* faults since it started */
};

/* Who a process is to itself, and since when. */
struct process_identity {
	pid_t pid; /* in its own pid namespace */
	uid_t uid, euid;
	int64_t started_s; /* CLOCK_REALTIME, as that is set now */
};

/* 0, or -ESRCH if it is gone. */
int process_identify(pid_t pid, struct process_identity *out);

/* 0, or -ESRCH if it is gone or has no memory any more. */
int process_memory(pid_t pid, struct process_memory *out);

/* 0, or -ESRCH if it is gone or has no memory. */
int process_usage(pid_t pid, struct process_usage *out);

/*
 * Whether `pid` can be traced: a live user process, 64-bit, the leader of its
 * threads.  0, or a negative errno after one line that names the reason.
 */
int process_check(pid_t pid);
/* Whether a seccomp filter judges its system calls. */
bool process_has_filter(pid_t pid);
/* Whether the processor keeps a second stack of its return addresses (x86's CET). */
bool process_has_shadow_stack(pid_t pid);
/* Whether the file `program` is a 32-bit ELF file. */
bool process_is_32_bit(const char *program);
/* The process a thread belongs to, or a negative errno. */
int process_tgid(pid_t tid);
int process_parent(pid_t pid);
/* Its name; its arguments joined by blanks; "" if it is gone.  Never NULL unless out of memory. */
char *process_comm(pid_t pid);
char *process_cmdline(pid_t pid);
/*
 * The string at an address in its memory: what is not there yet is brought in.  As much of it
 * as fits, ended by 0; "" if it cannot be read.
 */
void process_string(pid_t pid, uint64_t address, char *text, size_t size);
/* What this variable was when its program began; NULL if it was not set, or nobody can tell. */
char *process_variable(pid_t pid, const char *name);
/* The id of the container it runs in, from its cgroup; NULL if in none. */
char *process_container(pid_t pid);
/* The same, of the path of a control group. */
char *process_container_id(const char *cgroup);
/*
 * The path of its control group where this controller of version 1 is, or with
 * "" in version 2; NULL if there is none or it is gone.
 */
char *process_cgroup(pid_t pid, const char *controller);

#endif
