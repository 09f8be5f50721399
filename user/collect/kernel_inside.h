/* SPDX-License-Identifier: GPL-2.0 */
/* Inside kernel*.c: the loaded object. */
#ifndef MS_KERNEL_INSIDE_H
#define MS_KERNEL_INSIDE_H

#include "collect/kernel.h"
#include "memsnoop.skel.h"

#define HOOKS_MAX 48

struct kernel {
	struct memsnoop_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *hooks[HOOKS_MAX]; /* kernel_hooks.c */
	size_t hook_count;
	enum attach_method method;
	size_t usdt_layouts;
	const struct kernel_events *events;
	void *event_context;
};

/* fork, exec and exit, as perf's tracepoints or by BTF: which are loaded; then, attached. */
void tasks_choose(struct memsnoop_bpf *skel, bool by_events);
int tasks_attach(struct memsnoop_bpf *skel, bool by_events);

/* Which programs on the kernel's own functions are loaded; then, attached. */
int hooks_choose(struct kernel *k, const struct kernel_options *options);
int hooks_attach(struct kernel *k);
void hooks_detach(struct kernel *k);
/* Events that the kernel passed our programs over for, see probe/preempt.h. */
uint64_t hooks_passed_over(const struct kernel *k);

/* So that the first events find room in its tables; before anything is attached. */
void kernel_prime(const struct kernel *k);

#endif
