/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of accounting, which every BPF object has: live blocks, totals, kept
 * stacks, losses.  Hash maps are not preallocated unless the loader says so: memory is
 * taken as entries appear, and the sizes are set by the loader from options.
 */
#ifndef MS_TABLES_BPF_H
#define MS_TABLES_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "memsnoop.h"

#define EEXIST 17

/* A stack on its way into `pieces`. */
struct keeping {
	struct ms_piece piece;
	__u64 hash; /* of the pieces so far */
	__u32 store, failed;
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

MS_MAP(images, __u32, struct ms_image, 1);
MS_MAP(blocks, struct ms_block_key, struct ms_block, 1);
MS_MAP(pieces, __u64, struct ms_piece, 1); /* of stacks, by name */
MS_MAP(totals, struct ms_stack_key, struct ms_stack_totals, 1);

__u64 losses[MS_LOSS_NR] __weak;
__u32 stopped __weak; /* tracing has ended: the numbers stand still */

static inline __attribute__((always_inline)) void loss_add(enum ms_loss which, __u64 n)
{
	__sync_fetch_and_add(&losses[which], n);
}

#endif
