/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program of six instructions that counts its runs, of every kind and attached
 * to anything: to find out what this kernel allows, and what it costs.  Made
 * without an object file, so that trying all is a matter of milliseconds.
 */
#ifndef MS_TRIAL_H
#define MS_TRIAL_H

#include <stdint.h>
#include <sys/types.h>

enum trial_kind {
	TRIAL_FENTRY, /* a kernel function's name, as for the next three */
	TRIAL_FEXIT,
	TRIAL_KPROBE,
	TRIAL_KRETPROBE,
	TRIAL_TRACEPOINT, /* a tracepoint's name without its group; by BTF */
	TRIAL_RAW_TRACEPOINT,
	TRIAL_ITERATOR, /* "task", "task_vma" … */
	TRIAL_UPROBE,   /* a file, an offset in it and a process, as for the rest; by perf */
	TRIAL_URETPROBE,
	TRIAL_UPROBE_MULTI,
	TRIAL_URETPROBE_MULTI,
	TRIAL_UPROBE_SESSION, /* runs at both ends */
	TRIAL_NR,
};

struct trial_target {
	const char *name; /* of a kernel function, tracepoint or iterator; a file's path */
	uint64_t offset;
	pid_t pid;
};

/* Whether programs may call bpf_loop(), and there are ring buffers: 1, 0, or a negative errno. */
int trial_has_loop(void);
int trial_has_ring(void);

struct trials;

/* Reads the kernel's BTF, if there is any, once for all.  0 or a negative errno. */
int trials_open(struct trials **out);
void trials_close(struct trials *trials);

/*
 * Loads a program and attaches it.  A file descriptor, whose closing detaches;
 * -ENOENT if the kernel has nothing of that name; -EOPNOTSUPP if it does not have
 * the kind; -ENODATA if it has no BTF to find the name in; or what it answered.
 */
int trial_attach(struct trials *trials, enum trial_kind which, const struct trial_target *target);
/* How often programs ran since trials_open(), all of them together, on every CPU. */
uint64_t trial_runs(const struct trials *trials);

#endif
