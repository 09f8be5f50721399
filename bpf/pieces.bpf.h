/* SPDX-License-Identifier: GPL-2.0 */
/* stack_keep(): a stack is kept once, as a chain of pieces that stacks share. */
#ifndef MS_PIECES_BPF_H
#define MS_PIECES_BPF_H

#include "tables.bpf.h"

#define MS_STACK_SLOTS (sizeof(((struct ms_stack *)0)->frames) / sizeof(__u64))

static __always_inline __u64 hash_add(__u64 hash, __u64 frame)
{
	hash = (hash ^ frame) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

struct keep_context {
	const struct ms_stack *stack;
	struct keeping *keeping;
	__u32 from; /* frames left out, the innermost */
};

static __always_inline void note_add(struct ms_stack *stack, enum ms_note note, __u32 value)
{
	__u32 at = stack->nr;

	if (at >= MS_STACK_SLOTS)
		return;
	stack->frames[at] = MS_NOTE_FRAME(note, value);
	stack->nr = at + 1;
}

static __always_inline void notes_add(struct ms_stack *stack)
{
	if (stack->end != MS_END_ROOT)
		note_add(stack, MS_NOTE_END, stack->end);
	if (stack->by_pointer)
		note_add(stack, MS_NOTE_BY_POINTER, stack->by_pointer);
	if (stack->origin) {
		note_add(stack, MS_NOTE_ORIGIN_LOW, stack->origin);
		note_add(stack, MS_NOTE_ORIGIN_HIGH, stack->origin >> 32);
	}
}

/* One piece, from the outermost on: its name, and if it is to be stored, that. */
static long keep_step(__u32 i, void *data)
{
	const struct keep_context *c = data;
	const struct ms_stack *stack = c->stack;
	struct keeping *k = c->keeping;
	__u32 nr = stack->nr, from = c->from, j, at;
	__u64 hash = k->hash, frame;
	long err;

	if (i * MS_PIECE + from >= nr)
		return 1;
	k->piece.outer = hash;
	MS_UNROLL
	for (j = 0; j < MS_PIECE; j++) {
		at = nr - 1 - i * MS_PIECE - j;
		frame = at < MS_STACK_SLOTS && at >= from ? stack->frames[at] : 0;
		k->piece.frames[j] = frame;
		hash = hash_add(hash, frame);
	}
	k->hash = hash = hash ? hash : 1;
	if (!k->store || bpf_map_lookup_elem(&pieces, &hash))
		return 0;
	err = bpf_map_update_elem(&pieces, &hash, &k->piece, BPF_NOEXIST);
	k->failed = err && err != -EEXIST; /* another thread may have been first */
	return k->failed;
}

/*
 * Keeps a stack, its notes among the frames, without the `from` innermost ones.  Its
 * name, or MS_STACK_OTHER if there is no room.  A piece is there only if all that are
 * before it are.  Not a part of its caller: the frames of all functions together have 512 bytes.
 */
static __noinline __u64 stack_keep(const struct ms_stack *stack, __u32 from, struct keeping *k)
{
	struct keep_context c = {.stack = stack, .keeping = k, .from = from};
	__u64 name;

	k->store = k->failed = 0;
	k->hash = 0;
	bpf_loop(MS_STACK_SLOTS / MS_PIECE + 1, keep_step, &c, 0);
	name = k->hash;
	if (bpf_map_lookup_elem(&pieces, &name))
		return name;
	k->store = 1;
	k->hash = 0;
	bpf_loop(MS_STACK_SLOTS / MS_PIECE + 1, keep_step, &c, 0);
	if (!k->failed)
		return name;
	loss_add(MS_LOSS_stacks_full, 1);
	return MS_STACK_OTHER;
}

#endif
