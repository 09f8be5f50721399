/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the kernel interrupts its own threads for others.  It passes a BPF program over
 * on a CPU that is in the middle of it (since 5.12, commit ca06f55b9002; raw tracepoints
 * since 6.2, 05b24ff9b2cf).  If a thread is preempted there, all others that come by on that
 * CPU in the meantime are not seen, which is counted.  fentry was always so, and since
 * 7.0 tracepoints that are no events of perf's are, too.  kprobes and perf's tracepoints
 * turn preemption off.
 */
#ifndef MS_PREEMPT_H
#define MS_PREEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_program;

/*
 * What an uname -rv, and the kernel's list of modes ("none voluntary (full) lazy"), NULL if
 * there is none, say: whether a thread can be preempted in the kernel.
 */
bool preempt_judge(const char *release, const char *version, const char *modes);
/* Of this kernel, asked once.  `text`, if not NULL, becomes that list, or is empty. */
bool preempt_possible(char *text, size_t size);
/* Runs of a loaded program that it was passed over for (told since 5.12, 9ed9e9ba2337). */
uint64_t preempt_passed_over(const struct bpf_program *program);

#endif
