/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attaching: uprobes on one file for one process, session > multi > perf,
 * chosen once by trying.
 *
 * A probe always names a process: without one, every process that maps the
 * file pays for the trap.
 */
#ifndef MS_ATTACH_H
#define MS_ATTACH_H

#include "collect/kernel.h"

struct attach_point {
	uint64_t offset;    /* in the file */
	uint64_t cookie;    /* MS_COOKIE(row, module), of a tracepoint MS_USDT_COOKIE() */
	bool returns;       /* the return is wanted too */
	bool usdt;          /* a tracepoint of the program */
	uint64_t semaphore; /* in the file: counts the tracers of a tracepoint; 0: it has none */
};

struct attach;

/*
 * One rung: loads the kernel side for this way to attach, and attaches it once.  0;
 * -ECANCELED if --no-feature refuses it; or what the kernel answered.  With -v
 * one line says why not.
 */
int attach_rung(const struct kernel_options *options, const struct probe_table *table,
		enum attach_method method, struct kernel **out);

/*
 * Loads the kernel side with the first way to attach that works on this
 * machine and is not refused.  0, or a negative errno after one line.
 */
int attach_ladder(const struct kernel_options *options, const struct probe_table *table,
		  struct kernel **out);

/*
 * Probes `count` points of the file open at `fd` in process `pid`, in order.
 * 0 or a negative errno: -ESRCH if the process is gone.  Tracepoints only add to what is
 * known: without them it goes on, and says so with -v.
 */
int attach_open(struct kernel *kernel, pid_t pid, int fd, const struct attach_point *points,
		size_t count, struct attach **out);
void attach_close(struct attach *attach);

#endif
