/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memo_get(): what is known of the code at an address, from a walk before: of this thread, of any
 * thread, or else from the mapping table and the file's unwind table.
 *
 * Both are facts about code in one state of one process's mapping table (its generation), and
 * nothing else: what a walk reads of the stack it reads anew each time.
 */
#ifndef MS_MEMO_BPF_H
#define MS_MEMO_BPF_H

#include "maps.bpf.h"
#include "mapping.h"
#include "unwind.bpf.h"

/* ---- what this thread's walks found last ---------------------------------- */

/* A thread that walks less often does not have them. */
#define RECENTS_AFTER 64

/* Above an address lies what has no room elsewhere. */
#define RECENT_ADDRESS_BITS 48
#define RECENT_KIND_SHIFT RECENT_ADDRESS_BITS
#define RECENT_FP_SHIFT (RECENT_KIND_SHIFT + 3)
#define RECENT_THIRD_SHIFT (RECENT_FP_SHIFT + 2)
#define RECENT_REG_SHIFT (RECENT_THIRD_SHIFT + 2)
#define RECENT_REASON_SHIFT (RECENT_REG_SHIFT + 5)
#define RECENT_FIELD(word, shift, bits) ((word) >> (shift) & ((1u << (bits)) - 1))
_Static_assert(MS_RULE_UNSUPPORTED < 1 << 3, "kinds of rules");
_Static_assert(MS_SAVED_CFA_VALUE < 1 << 2, "what becomes of a register");
_Static_assert(MS_REG_LAST < 1 << 5, "registers");
_Static_assert(MS_END_NR <= 1 << 4 && RECENT_REASON_SHIFT + 4 == 64, "ends of walks");

/*
 * The thread's, for this state of the mapping table; NULL if it has none.  Those of another state
 * are all dropped: their entries do not say of which they are.
 */
static __always_inline struct recents *recents_get(const struct task_state *task,
						   const struct ms_mappings *table)
{
	static const struct recents none;
	__u32 tid = bpf_get_current_pid_tgid();
	struct recents *r;

	if (!table || task->walks < RECENTS_AFTER)
		return 0;
	r = bpf_map_lookup_elem(&recents, &tid);
	if (r && r->generation == table->generation)
		return r;
	bpf_map_update_elem(&recents, &tid, &none, BPF_ANY);
	r = bpf_map_lookup_elem(&recents, &tid);
	if (r)
		r->generation = table->generation;
	return r;
}

static __always_inline struct recent *recent_at(struct recents *r, __u64 sp)
{
	return &r->at[(sp >> MS_RECENT_SHIFT) % MS_RECENTS];
}

/* 1 if it is of this address: then *memo is what was found there. */
static __always_inline int recent_take(const struct recent *r, __u64 address, struct memo *memo)
{
	__u64 word = r->address;

	if ((word ^ address) << (64 - RECENT_ADDRESS_BITS) || address >> RECENT_ADDRESS_BITS)
		return 0;
	memo->frame = r->frame;
	memo->reason = RECENT_FIELD(word, RECENT_REASON_SHIFT, 4);
	memo->rule.kind = RECENT_FIELD(word, RECENT_KIND_SHIFT, 3);
	memo->rule.fp = RECENT_FIELD(word, RECENT_FP_SHIFT, 2);
	memo->rule.third = RECENT_FIELD(word, RECENT_THIRD_SHIFT, 2);
	memo->rule.reg = RECENT_FIELD(word, RECENT_REG_SHIFT, 5);
	memo->rule.cfa_offset = r->cfa_offset;
	memo->rule.fp_offset = r->fp_offset;
	memo->rule.third_offset = r->third_offset;
	memo->rule.param = r->param;
	return 1;
}

/* What does not fit is not remembered. */
static __always_inline void recent_set(struct recent *r, const struct memo *memo)
{
	const struct ms_unwind_rule *rule = &memo->rule;

	if (memo->address >> RECENT_ADDRESS_BITS || rule->cfa_offset != (__s16)rule->cfa_offset ||
	    rule->param != (__s16)rule->param)
		return;
	r->address = memo->address | (__u64)rule->kind << RECENT_KIND_SHIFT |
		     (__u64)rule->fp << RECENT_FP_SHIFT | (__u64)rule->third << RECENT_THIRD_SHIFT |
		     (__u64)rule->reg << RECENT_REG_SHIFT |
		     (__u64)memo->reason << RECENT_REASON_SHIFT;
	r->frame = memo->frame;
	r->cfa_offset = rule->cfa_offset;
	r->fp_offset = rule->fp_offset;
	r->third_offset = rule->third_offset;
	r->param = rule->param;
}

/* ---- what any thread's walks found ----------------------------------------- */

/* The multiplier of FNV-1a, 64 bits. */
#define MEMO_MIX 0x100000001b3ULL

static __always_inline __u64 memo_check(const struct memo *memo)
{
	const __u64 *word = (const __u64 *)memo;
	__u64 check = 0xcbf29ce484222325ULL;
	__u32 i;

	MS_UNROLL
	for (i = 0; i < offsetof(struct memo, check) / sizeof(*word); i++)
		check = (check ^ word[i]) * MEMO_MIX;
	return check ^ check >> 32;
}

/* Finds out what is to be known of the code at `address`, by the mapping table and its file's. */
static __always_inline void memo_fill(struct memo *memo, const struct ms_mappings *table,
				      __u64 address)
{
	const struct ms_mapping *map;

	memo->address = address;
	memo->generation = table ? table->generation : 0;
	memo->frame = MS_FRAME(0, address);
	__builtin_memset(&memo->rule, 0, sizeof(memo->rule));
	memo->rule.kind = MS_RULE_NONE;
	memo->reason = MS_END_NO_MODULE;
	map = mapping_find(table, address);
	if (!map)
		return;
	memo->frame = MS_FRAME(map->module, address - map->start + map->offset);
	memo->reason = MS_END_NO_TABLE;
	if (unwind_rule(map->table, MS_FRAME_OFFSET(memo->frame), &memo->rule))
		memo->reason =
		    memo->rule.kind == MS_RULE_UNSUPPORTED ? MS_END_UNSUPPORTED : MS_END_NO_ROWS;
	else if (map->table == MS_TABLE_NO_ROWS)
		memo->reason = MS_END_NO_ROWS;
}

/* By the table of all threads.  In the thread's copy: another may be writing the entry. */
static __always_inline void memo_find(struct task_state *task, const struct ms_mappings *table,
				      __u64 address)
{
	__u32 generation = table ? table->generation : 0, at;
	struct memo *memo = &task->memo, *kept;

	at = (address + generation) * 0x9e3779b97f4a7c15ULL >> (64 - MS_MEMO_BITS);
	kept = bpf_map_lookup_elem(&memos, &at);
	if (kept && kept->address == address) {
		*memo = *kept;
		if (memo->address == address && memo->generation == generation &&
		    memo->check == memo_check(memo)) {
			task->memo_hits++;
			return;
		}
	}
	memo_fill(memo, table, address);
	memo->check = memo_check(memo);
	if (kept)
		*kept = *memo;
}

/* What is known of the code at `address`, in the thread's copy. */
static __always_inline struct memo *memo_get(struct task_state *task, struct recents *own,
					     const struct ms_mappings *table, __u64 address)
{
	struct recent *recent = own ? recent_at(own, task->walk.sp) : 0;

	task->memo_lookups++;
	if (recent && recent_take(recent, address, &task->memo)) {
		task->memo_hits++;
		return &task->memo;
	}
	/* Or LLVM makes two copies of what follows, which are verified twice. */
	asm volatile("" : "+r"(recent));
	memo_find(task, table, address);
	if (recent)
		recent_set(recent, &task->memo);
	return &task->memo;
}

#endif
