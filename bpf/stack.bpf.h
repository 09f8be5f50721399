/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stack_walk(): the caller's stack as (module, file offset) frames, kept once
 * by 64-bit hash.
 *
 * The chain of frame pointers is followed here and not by bpf_get_stack(): the
 * kernel's walk ends by reading through whatever the last frame left in the
 * register, and that page fault alone can cost more than all the rest.  Here a
 * pointer is checked before it is followed, and a return address must lie in
 * code and follow a call, so that few frames are invented from leftovers.
 */
#ifndef MS_STACK_BPF_H
#define MS_STACK_BPF_H

#include "maps.bpf.h"
#include "mapping.h"

static __always_inline __u64 hash_add(__u64 hash, __u64 frame)
{
	hash = (hash ^ frame) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* A frame pointer further up than this is not one. */
#define FRAME_BYTES_MAX (16ULL << 20)

struct walk {
	struct task_state *task;
	const struct ms_mappings *mappings;
	__u64 address; /* the return address to keep next */
	__u64 fp;      /* where the frame pointer above it and its return address lie */
	__u64 low;     /* fp must be at or above this */
	__u64 hash;
	__u32 nr; /* frames kept, the allocation function included */
	__u32 end;
};

/*
 * Whether a call instruction ends at `address`; `unread` where the code before
 * it cannot be read.
 */
static __always_inline int follows_call(__u64 address, int unread)
{
	__u8 b[8];

	if (bpf_probe_read_user(b, sizeof(b), (void *)(address - sizeof(b))))
		return unread;
	/* call rel32, or call r/m64 (FF /2) of 2, 3, 4, 6 or 7 bytes */
	return b[3] == 0xe8 || (b[6] == 0xff && (b[7] & 0x38) == 0x10) ||
	       (b[5] == 0xff && (b[6] & 0x38) == 0x10) || (b[4] == 0xff && (b[5] & 0x38) == 0x10) ||
	       (b[2] == 0xff && (b[3] & 0x38) == 0x10) || (b[1] == 0xff && (b[2] & 0x38) == 0x10);
}

static long walk_frame(__u32 i, void *data)
{
	struct walk *w = data;
	__u64 frame, slots[2];

	/* i, not a counter of ours: the verifier would follow each of its values. */
	if (i >= MS_STACK_DEPTH) {
		w->end = MS_END_TRUNCATED;
		return 1;
	}
	/* Return addresses: the call is the instruction before. */
	frame = mapping_frame(w->mappings, w->address - 1);
	if (!MS_FRAME_MODULE(frame) && i && !(w->mappings && w->mappings->jit))
		return 1;
	w->task->stack.frames[i + 1] = frame;
	w->nr = i + 2;
	w->hash = hash_add(w->hash, frame);

	if (w->fp < w->low || w->fp - w->low > FRAME_BYTES_MAX || w->fp % 8)
		return 1;
	if (bpf_probe_read_user(slots, sizeof(slots), (void *)w->fp))
		return 1;
	/* Code without frame pointers leaves anything in the register; what it
	 * leads to seldom follows a call.  Code whose page is not in memory does. */
	if (slots[1] < 4096 || slots[1] >= MS_ADDRESS_MAX || !follows_call(slots[1], 1))
		return 1;
	w->low = w->fp + sizeof(slots);
	w->fp = slots[0];
	w->address = slots[1];
	return 0;
}

/*
 * Walks the stack of the current thread, which is at `ip` with stack pointer
 * `sp` and frame pointer `fp`, and keeps it.  Frame 0 is the probed function,
 * from `cookie`.  Returns the hash, or MS_STACK_OTHER when it could not be kept.
 */
static __always_inline __u64 stack_walk(__u64 ip, __u64 sp, __u64 fp, struct task_state *task,
					__u32 image, __u64 cookie)
{
	struct walk w = {.task = task, .address = ip, .low = sp, .fp = fp, .nr = 1};

	w.mappings = bpf_map_lookup_elem(&mappings, &image);
	task->stack.frames[0] =
	    MS_FRAME(MS_COOKIE_MODULE(cookie), MS_FRAME_ROW | MS_COOKIE_ROW(cookie));
	w.hash = hash_add(0, task->stack.frames[0]);
	bpf_loop(MS_STACK_DEPTH + 1, walk_frame, &w, 0);

	task->stack.nr = w.nr;
	task->stack.end = w.end;
	if (w.end == MS_END_TRUNCATED)
		loss_add(MS_LOSS_stacks_truncated, 1);
	if (w.hash == MS_STACK_OTHER)
		w.hash = 1;
	if (!bpf_map_lookup_elem(&stacks, &w.hash)) {
		long err = bpf_map_update_elem(&stacks, &w.hash, &task->stack, BPF_NOEXIST);

		if (err && err != -EEXIST) { /* another thread may have been first */
			loss_add(MS_LOSS_stacks_full, 1);
			return MS_STACK_OTHER;
		}
	}
	return w.hash;
}

#endif
