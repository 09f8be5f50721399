/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memsnoop wants to see in the kernel, and how: fentry > kprobe > tracepoint
 * by BTF > raw tracepoint, for each row by itself, chosen by trying.  Where a thread can
 * be preempted in the kernel (probe/preempt.h), kprobe > fentry: only it sees all.
 */
#ifndef MS_HOOKS_H
#define MS_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

/* Best first; the names are those of --no-feature. */
enum hook_rung { HOOK_FENTRY, HOOK_KPROBE, HOOK_TRACEPOINT, HOOK_RAW_TRACEPOINT, HOOK_RUNG_NR };
#define HOOK_NONE HOOK_RUNG_NR /* no rung works */

extern const char *const hook_rung_names[HOOK_RUNG_NR];

enum hook {
	HOOK_SYSCALLS,
	HOOK_FAULTS,
	HOOK_RSS,
	HOOK_OOM,
	HOOK_FORK,
	HOOK_EXEC,
	HOOK_EXIT,
	HOOK_SLAB,
	HOOK_NR,
};

struct hook_row {
	const char *name;
	const char *function;       /* fentry and kprobe: one that stands for all; NULL: none */
	bool returns;               /* of the function: fexit and kretprobe, too */
	const char *tracepoints[2]; /* all that are needed, without their groups */
	bool btf, raw;              /* the kinds of tracepoint that can do it */
	const char *without;        /* what is missed where no rung works */
	bool needed;                /* nothing can be traced then */
};

extern const struct hook_row hook_rows[HOOK_NR];

/* A system call's function, for `function`. */
#if defined(__x86_64__)
#define HOOK_SYSCALL(name) "__x64_sys_" name
#elif defined(__aarch64__)
#define HOOK_SYSCALL(name) "__arm64_sys_" name
#endif

/* Answers besides 0 (it works) and what the kernel said (a negative errno). */
#define HOOK_ABSENT 1  /* the row has no such rung */
#define HOOK_REFUSED 2 /* by --no-feature */
#define HOOK_UNTRIED 3 /* a better one works */

struct hook_choice {
	enum hook_rung rung; /* HOOK_NONE */
	int answers[HOOK_RUNG_NR];
};

/* Loads and attaches a program for one rung of a row, and takes it out: 0 or a negative errno. */
typedef int hook_try_fn(const struct hook_row *row, enum hook_rung rung, void *context);

/*
 * Chooses for each row the first rung that works and is not refused, in the order for
 * a kernel that is `preempted` or not; with `all` the rungs below are tried too, for
 * their answers.  A row's only rung cannot be
 * refused: there would be nothing left to test.
 */
void hooks_ladder(const struct hook_row *rows, size_t count, const bool refused[HOOK_RUNG_NR],
		  bool preempted, bool all, hook_try_fn *try, void *context,
		  struct hook_choice *choices);

struct trials; /* trial.h */
/*
 * Attaches what counts its runs to all that the rung of a row needs: up to HOOK_LINKS
 * file descriptors, to be closed, -1 where there is nothing.  0 or a negative errno.
 */
#define HOOK_LINKS 2
int hook_rung_attach(struct trials *trials, const struct hook_row *row, enum hook_rung rung,
		     int links[HOOK_LINKS]);
void hook_rung_detach(const int links[HOOK_LINKS]);
/* The try function; its context is a struct trials. */
hook_try_fn hook_try;
/*
 * hooks_ladder() for hook_rows on this kernel, each answer told with -v.  0 or a
 * negative errno: nothing could be tried.
 */
int hooks_find(const bool refused[HOOK_RUNG_NR], struct hook_choice choices[HOOK_NR]);

/* An answer in words: "works", "refused by --no-feature", "Operation not permitted". */
const char *hook_answer_text(int answer);
/* One line with -v for each rung of a row that was tried or refused. */
void hook_say(const struct hook_row *row, const struct hook_choice *choice);

#endif
