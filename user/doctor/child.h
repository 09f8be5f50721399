/* SPDX-License-Identifier: GPL-2.0 */
/* A child of doctor's own, that works when told to: what is tried and measured is done to it. */
#ifndef MS_DOCTOR_CHILD_H
#define MS_DOCTOR_CHILD_H

#include <stdint.h>
#include <sys/types.h>

enum child_work {
	WORK_EMULATED, /* calls of a function whose first instruction the kernel emulates */
	WORK_STEPPED,  /* … is single-stepped */
	WORK_NOP,      /* … is a nop, the longest that the kernel knows how to replace */
	WORK_SYSCALL,  /* getsid(): of the cheap ones that BTF names, unlike getppid() */
	WORK_FAULT,    /* first touches of pages */
	WORK_NR,
};

/* The first instructions, on this machine; NULL: no function is called. */
extern const char *const child_instructions[WORK_NR];

struct child;

/* Forks it; it ends when we do, however that comes.  0 or a negative errno. */
int child_start(struct child **out);
void child_stop(struct child *child);
pid_t child_pid(const struct child *child);

/*
 * Lets it do CHILD_BATCHES times `count` pieces of work, after some more to warm up.
 * 0 and the nanoseconds that each took, by the median of the batches; or a negative
 * errno: -EPIPE if it is gone.
 */
#define CHILD_BATCHES 21
int child_run(struct child *child, enum child_work work, unsigned count, double *ns);
/* Where the function of a work is in /proc/self/exe.  0 or a negative errno. */
int child_place(enum child_work work, uint64_t *offset);

#endif
