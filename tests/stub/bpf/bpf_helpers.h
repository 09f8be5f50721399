/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bpf/ needs of libbpf and of the kernel's helpers, for compiling it into a
 * user-space test: the test defines the helpers, and its maps are whatever it
 * makes of their addresses.  Include path: before the system's.
 */
#ifndef MS_STUB_BPF_HELPERS_H
#define MS_STUB_BPF_HELPERS_H

#include <stdint.h>

struct task_struct;

#define SEC(name)
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __weak __attribute__((weak))
#define __noinline __attribute__((noinline))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) value *name
#define __array(name, value) value *name[]

/* Copies what the recorded process had there; non-zero if it had nothing. */
long bpf_probe_read_user(void *to, uint32_t size, const void *from);
void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, uint64_t flags);
uint64_t bpf_get_current_task(void);
struct task_struct *bpf_get_current_task_btf(void);
uint64_t bpf_get_current_pid_tgid(void);
long bpf_task_pt_regs(struct task_struct *task);
void *bpf_ringbuf_reserve(void *map, uint64_t size, uint64_t flags);
void bpf_ringbuf_submit(void *event, uint64_t flags);

static inline long bpf_loop(uint32_t n, long (*step)(uint32_t, void *), void *context,
			    uint64_t flags)
{
	uint32_t i;

	(void)flags;
	for (i = 0; i < n; i++)
		if (step(i, context))
			return i + 1;
	return n;
}

#endif
