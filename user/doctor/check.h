/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A check looks at one thing and says what it found: a row of the table in
 * checks.c and a function.  The functions lie by subject in privilege.c, kernel.c,
 * probes.c, names.c, python.c and machine.c.
 */
#ifndef MS_DOCTOR_CHECK_H
#define MS_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doctor/child.h"
#include "doctor/cost.h"
#include "options.h"

enum verdict {
	VERDICT_OK,
	VERDICT_SLOW,    /* works, at a price */
	VERDICT_WARN,    /* works, but not for all */
	VERDICT_MISSING, /* does not work */
	VERDICT_UNKNOWN, /* could not be looked at */
	VERDICT_NR,
};

extern const char *const verdict_names[VERDICT_NR];

struct finding {
	const char *group, *name; /* of what was looked at */
	enum verdict verdict;
	bool needed; /* if it is missing, nothing can be traced */
	char *text;  /* what was found */
	/* Shown where it is not well; NULL: there is no more to say. */
	const char *without; /* what the lack costs the user */
	const char *remedy;  /* how to get it */
};

struct doctor {
	const struct options *options;
	uint64_t capabilities;
	bool may_trace;        /* has what it takes to load and attach BPF programs */
	bool has_btf;          /* found by its check, which comes before those that ask */
	struct child *child;   /* NULL: it could not be started */
	struct trials *trials; /* NULL: nothing can be tried, because of */
	int trials_error;
	struct kernel *kernel; /* by the best rung; NULL: none works */
	struct hook_choice hooks[HOOK_NR];
	struct cost costs[COSTS_MAX];
	size_t cost_count;
	struct finding *findings;
	size_t finding_count, finding_room;
	struct finding spare; /* for want of memory */
};

struct check;
/* Looks, and says one thing or several. */
typedef void check_fn(struct doctor *doctor, const struct check *check);

struct check {
	const char *group, *name;
	check_fn *look;
	bool needed;
	const char *without, *remedy;
};

extern const struct check checks[];
extern const size_t check_count;

/*
 * Adds a finding with the check's names, and its texts where something is not well.  What
 * is returned may be changed; it is valid until the next call, and never NULL.
 */
struct finding *doctor_say(struct doctor *doctor, const struct check *check, enum verdict verdict,
			   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* That it could not be tried, for want of privilege or of the first BPF map. */
void doctor_say_untried(struct doctor *doctor, const struct check *check);

/* The first line of a small file, without its end.  0 or a negative errno. */
int doctor_read_line(const char *path, char *line, size_t size);
/* The path of the C library that we run with ourselves, "" if static. */
void doctor_libc(char *path, size_t size);
/* Looks for a library where libraries lie; whether it is there. */
bool doctor_library(const char *name, char *path, size_t size);

check_fn check_capabilities, check_lockdown, check_pid_namespace, check_ptrace,
    check_process_memory, check_perf_paranoid, check_kallsyms;
check_fn check_version, check_btf, check_preemption, check_jit, check_loop, check_ring,
    check_iterator, check_pagemap_scan, check_memlock;
check_fn check_uprobes, check_seccomp, check_places, check_hooks, check_costs;
check_fn check_cache, check_libc_symbols, check_debuginfod, check_perf_maps, check_python;
check_fn check_proc, check_tracefs, check_cgroup, check_gpu;

/* Whether nothing is missing that is needed. */
bool doctor_can_trace(const struct doctor *doctor);
/* Print what was found.  0 or a negative errno. */
int doctor_print(const struct doctor *doctor);
int doctor_print_json(const struct doctor *doctor);

#endif
