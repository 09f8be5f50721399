/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unwind_rule(): the rule for an address of a file, from the file's table, and
 * unwind_frame(): one step of a walk by a rule.
 */
#ifndef MS_UNWIND_BPF_H
#define MS_UNWIND_BPF_H

#include "arch.bpf.h"
#include "maps.bpf.h"
#include "unwind.h"

/* A frame pointer further up than this is not one. */
#define FRAME_BYTES_MAX (16ULL << 20)

/* What is read below the CFA: the saved registers lie there more often than not. */
#define SAVED_BYTES 64

/* A block of a table, as the type that lies in it. */
#define BLOCK(type)                                                                                \
	struct {                                                                                   \
		type at[MS_UNWIND_BLOCK / sizeof(type)];                                           \
	}

/*
 * The rule for file offset `offset`, by the table in slot `table` - 1.  Returns
 * 0 if there is no such table, which then says nothing about the code.
 */
static __always_inline int unwind_rule(__u32 table, __u64 offset, struct ms_unwind_rule *out)
{
	__u32 slot = table - 1, key = 0, granule, row;
	struct ms_unwind_header *header;
	BLOCK(struct ms_unwind_entry) * entries;
	BLOCK(struct ms_unwind_rule) * rules;
	BLOCK(__u32) * row_block;
	struct ms_unwind_entry entry;
	void *file;
	__u64 from;

	out->kind = MS_RULE_NONE;
	file = bpf_map_lookup_elem(&unwind_tables, &slot);
	if (!file)
		return 0;
	header = bpf_map_lookup_elem(file, &key);
	if (!header)
		return 0;
	from = offset - header->start;
	if (from >> MS_UNWIND_GRANULE_SHIFT >= header->granules)
		return 1;
	granule = from >> MS_UNWIND_GRANULE_SHIFT;
	key = header->directory + granule / MS_UNWIND_ENTRIES;
	entries = bpf_map_lookup_elem(file, &key);
	if (!entries)
		return 0;
	entry = entries->at[granule % MS_UNWIND_ENTRIES];
	key = header->row_block + entry.first / MS_UNWIND_ROWS;
	row_block = bpf_map_lookup_elem(file, &key);
	if (!row_block)
		return 0;
	row = unwind_search(row_block->at, entry.first, entry.nr, offset % MS_UNWIND_GRANULE);
	key = header->rule_block + MS_UNWIND_ROW_RULE(row) / MS_UNWIND_RULES;
	rules = bpf_map_lookup_elem(file, &key);
	if (!rules)
		return 0;
	*out = rules->at[MS_UNWIND_ROW_RULE(row) % MS_UNWIND_RULES];
	return 1;
}

static __always_inline __u64 base_register(const struct walk *w, __u8 reg)
{
	return reg == MS_REG_SP ? w->sp : reg == MS_REG_FP ? w->fp : w->third;
}

/* The canonical frame address, 0 if it cannot be read. */
static __always_inline __u64 frame_cfa(const struct walk *w, const struct ms_unwind_rule *rule)
{
	__u64 cfa = base_register(w, rule->reg) + (__s64)rule->cfa_offset;

	if (rule->kind == MS_RULE_PLT)
		return cfa + ((w->ip & 15) >= (__u64)rule->param ? 8 : 0);
	if (rule->kind != MS_RULE_DEREF)
		return cfa;
	if (bpf_probe_read_user(&cfa, sizeof(cfa), (void *)cfa))
		return 0;
	return cfa + (__s64)rule->param;
}

static __always_inline int window_has(const struct walk *w, __u64 at)
{
	return at - w->window_at < w->window_bytes && !(at % 8);
}

static __always_inline __u64 window_word(const struct walk *w, __u64 at)
{
	return w->window[(at - w->window_at) / 8 % MS_STACK_WINDOW];
}

/* The stack's words from `at` on, as many as `bytes`, 0 if they cannot be read. */
static __always_inline int window_fill(struct walk *w, __u64 at, __u32 bytes)
{
	w->window_at = at;
	w->window_bytes = bpf_probe_read_user(w->window, bytes, (void *)at) ? 0 : bytes;
	return w->window_bytes;
}

/* Sees that the window has what lies below the CFA: the return address, where a call pushes it. */
static __always_inline long window_read(struct walk *w, __u64 cfa)
{
	if (window_has(w, cfa - SAVED_BYTES) && window_has(w, cfa - 8))
		return 0;
	if (window_fill(w, cfa - SAVED_BYTES, sizeof(w->window)) ||
	    window_fill(w, cfa - SAVED_BYTES, SAVED_BYTES)) /* the upper end of a stack */
		return 0;
	return !MS_RETURN_POPS || !window_fill(w, cfa - 8, 8); /* the lower one */
}

/* A register after the step, `was` before it.  Sets *failed if it cannot be read. */
static __always_inline __u64 saved_register(const struct walk *w, __u8 how, __s64 offset, __u64 was,
					    __u64 cfa, int *failed)
{
	__u64 from = cfa + offset, value = 0;

	if (how == MS_SAVED_SAME)
		return was;
	if (how == MS_SAVED_CFA_VALUE)
		return from;
	if (how == MS_SAVED_AT_FP)
		from = w->fp + offset;
	if (window_has(w, from))
		return window_word(w, from);
	if (bpf_probe_read_user(&value, sizeof(value), (void *)from))
		*failed = 1;
	return value;
}

/* From a signal's frame to what it interrupted, which may be on another stack. */
static __always_inline int frame_signal(struct walk *w, const struct ms_unwind_rule *rule)
{
	__u64 at = w->sp + (__s64)rule->cfa_offset;

	if (bpf_probe_read_user(&w->fp, sizeof(w->fp), (void *)(at + MS_UCONTEXT_FP)) ||
	    bpf_probe_read_user(&w->third, sizeof(w->third), (void *)(at + MS_UCONTEXT_THIRD)) ||
	    bpf_probe_read_user(&w->sp, sizeof(w->sp), (void *)(at + MS_UCONTEXT_SP)) ||
	    bpf_probe_read_user(&w->ip, sizeof(w->ip), (void *)(at + MS_UCONTEXT_IP)))
		return MS_END_UNREADABLE;
	w->exact = 1;
	w->slot = 0;
	w->sp_unknown = 0;
	return -1;
}

/*
 * The caller's registers, by a rule with a CFA.  Returns why the walk ends here,
 * or -1 if it goes on.
 */
static __always_inline int frame_cfi(struct walk *w, const struct ms_unwind_rule *rule, __u64 cfa)
{
	__u64 fp, third, back;
	int failed = 0;

	/* A function that has no frame is the innermost, or was interrupted. */
	if (cfa < w->sp + MS_RETURN_POPS || cfa % 8)
		return MS_END_BACKWARDS;
	if (window_read(w, cfa))
		return MS_END_UNREADABLE;
	fp = saved_register(w, rule->fp, rule->fp_offset, w->fp, cfa, &failed);
	third = saved_register(w, rule->third, rule->third_offset, w->third, cfa, &failed);
	if (failed)
		return MS_END_UNREADABLE;
#ifdef MS_ARM64
	/* It says where the call goes back to once: the caller's own call has changed it. */
	back = arch_strip(third);
	third = 0;
	if (!back)
		return rule->third == MS_SAVED_SAME ? MS_END_BACKWARDS : MS_END_ROOT;
#else
	back = window_word(w, cfa - 8);
#endif
	w->third = third;
	w->fp = fp;
	w->sp = cfa;
	w->sp_unknown = 0;
	w->slot = cfa - MS_RETURN_POPS;
	w->ip = back;
	w->exact = 0;
	return w->ip ? -1 : MS_END_ROOT;
}

/*
 * The caller's registers by the frame pointer, for code without rows.  Code
 * without frame pointers leaves anything in the register: a pointer is checked
 * before it is followed, and what it leads to must be a call's return address.
 * Returns -1 if the walk goes on, else `reason`.
 */
static __always_inline int frame_pointer(struct walk *w, int reason)
{
	__u64 slots[2], back;

	if (w->fp < w->sp || w->fp - w->sp > FRAME_BYTES_MAX || w->fp % 8)
		return reason;
	if (bpf_probe_read_user(slots, sizeof(slots), (void *)w->fp))
		return reason;
	back = arch_strip(slots[1]);
	/* Code whose page is not in memory passes. */
	if (back < 4096 || back >= MS_ADDRESS_MAX || !follows_call(back, 1))
		return reason;
	w->sp = w->fp + sizeof(slots);
	/* Elsewhere the frame may go on above the pair. */
	w->sp_unknown = !MS_RETURN_POPS;
	w->slot = MS_RETURN_POPS ? w->sp - 8 : 0;
	w->third = MS_RETURN_POPS ? w->third : 0;
	w->fp = slots[0];
	w->ip = back;
	w->exact = 0;
	w->by_pointer++;
	return -1;
}

#endif
