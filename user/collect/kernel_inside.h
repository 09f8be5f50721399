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
	const struct kernel_events *events;
	void *event_context;
};

/* Which programs on the kernel's own functions are loaded; then, attached. */
int hooks_choose(struct kernel *k, const struct kernel_options *options);
int hooks_attach(struct kernel *k);
void hooks_detach(struct kernel *k);

/* So that the first events find room in its tables; before anything is attached. */
void kernel_prime(const struct kernel *k);

#endif
