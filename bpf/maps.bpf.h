/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every map, and the few globals.  Hash maps are not preallocated: memory is
 * taken as entries appear, and the sizes are set by the loader from options.
 */
#ifndef MS_MAPS_BPF_H
#define MS_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "memsnoop.h"
#include "python.h"

#define EEXIST 17

struct pending {
	__u64 sp;   /* of the call: where its return address lies; 0: no call is open */
	__u64 size; /* bytes asked for; MS_SIZE_OVERFLOW if the product overflowed */
	__u64 ptr;  /* the out-pointer, or the address itself */
	__u64 old;  /* realloc: the old address, taken out of `blocks` if had_old */
	struct ms_block old_block;
	__u64 cookie;
	__u32 id; /* image */
	__u32 had_old;
};
#define MS_SIZE_OVERFLOW (~0ULL)

/* Per thread.  The walk's scratch lives here because uprobe programs are
 * preemptible: per-CPU scratch could be overwritten by another thread. */
struct task_state {
	struct pending pending[MS_LAYER_NR];
	__u64 last_alloc; /* the thread's last event was the allocation of this */
	__u64 last_free;  /* the last address this thread freed */
	struct ms_stack stack;
};

/* Weak, so that each object file defines them and the linker keeps one. */
#define MS_MAP(name_, key_, value_, entries_)                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, entries_);                                                     \
		__type(key, key_);                                                                 \
		__type(value, value_);                                                             \
	} name_ __weak SEC(".maps")

MS_MAP(procs, __u32, struct ms_proc, 1); /* by tgid */
MS_MAP(images, __u32, struct ms_image, 1);
MS_MAP(mappings, __u32, struct ms_mappings, 1); /* by image */
MS_MAP(tasks, __u32, struct task_state, 1);     /* by thread id */
MS_MAP(blocks, struct ms_block_key, struct ms_block, 1);
MS_MAP(stacks, __u64, struct ms_stack, 1);   /* by hash */
MS_MAP(pythons, __u32, struct ms_python, 1); /* by image */
MS_MAP(codes, struct ms_code_key, __u32, 1); /* Python code objects: their ids in frames */
MS_MAP(totals, struct ms_stack_key, struct ms_stack_totals, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events __weak SEC(".maps");

struct ms_row rows[MS_ROWS_MAX] __weak; /* the probe table, set before loading */
__u64 losses[MS_LOSS_NR] __weak;
__u32 next_image __weak; /* the last image id given out */
__u32 next_code __weak;  /* the last id of a Python code object */
__u32 stopped __weak;    /* tracing has ended: the numbers stand still */

static inline __attribute__((always_inline)) void loss_add(enum ms_loss which, __u64 n)
{
	__sync_fetch_and_add(&losses[which], n);
}

#endif
