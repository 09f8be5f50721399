/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stack_walk(): the caller's stack as (module, file offset) frames, kept once
 * by 64-bit hash.
 *
 * The chain of frame pointers is followed here and not by bpf_get_stack(): the
 * kernel's walk ends by reading through whatever the last frame left in the
 * register, and that page fault alone can cost more than all the rest.  Here a
 * pointer is checked before it is followed, and a return address must lie in
 * code, so no frame is invented from leftovers either.
 */
#ifndef MS_STACK_BPF_H
#define MS_STACK_BPF_H

#include "maps.bpf.h"

/*
 * The frame of a user address: a binary search without branches.  With them the
 * verifier would walk all 1,024 ways through it, and the processor guess wrong
 * at half of them.  Both differences are negative, their top bit set, exactly
 * when entry at + step exists and starts at or below the address.
 */
static __always_inline __u64 frame_of(const struct ms_mappings *m, __u64 address)
{
	const struct ms_mapping *map;
	__u64 at = 0, step, go;

	if (!m)
		return MS_FRAME(0, address);
	for (step = MS_MAPPINGS_MAX / 2; step; step /= 2) {
		go = at + step - m->nr;
		go &= m->map[(at + step) % MS_MAPPINGS_MAX].start - address - 1;
		at += step & -(go >> 63);
	}
	map = &m->map[at % MS_MAPPINGS_MAX];
	if (address < map->start || address >= map->end)
		return MS_FRAME(0, address);
	return MS_FRAME(map->module, address - map->start + map->offset);
}

static __always_inline __u64 hash_add(__u64 hash, __u64 frame)
{
	hash = (hash ^ frame) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* A frame pointer further up than this is not one. */
#define FRAME_BYTES_MAX (16ULL << 20)
#define ADDRESS_MAX (1ULL << 47)

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
	frame = frame_of(w->mappings, w->address - 1);
	if (!MS_FRAME_MODULE(frame) && i && !(w->mappings && w->mappings->jit))
		return 1;
	w->task->stack.frames[i + 1] = frame;
	w->nr = i + 2;
	w->hash = hash_add(w->hash, frame);

	if (w->fp < w->low || w->fp - w->low > FRAME_BYTES_MAX || w->fp % 8)
		return 1;
	if (bpf_probe_read_user(slots, sizeof(slots), (void *)w->fp))
		return 1;
	if (!slots[1] || slots[1] >= ADDRESS_MAX)
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
