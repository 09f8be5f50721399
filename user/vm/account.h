/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapped memory of one image (a process between two execs): its extents, and
 * numbers by stack and in all.  At any time
 *
 *	the sum of live_bytes over stacks == live_bytes in all == bytes of the extents
 *	allocations - frees == extents, in all and of each stack
 *
 * Ranges are rounded outwards to pages; whoever maps huge pages gives whole ones.
 *
 * munmap and mremap free addresses before they return, and another thread may be
 * given them, and return, first.  So such a call is announced when it begins and
 * counts when it has ended well, but then only for extents that were there when
 * it began.  One that fails leaves no trace.  (Counting at the end is also nearer
 * to the truth: the memory-map lock orders these calls, and is let go of at
 * their end.)
 *
 * Functions that return int give 0 or -ENOMEM, after which the numbers still
 * agree with each other, but not with the process until vm_account_reconcile().
 */
#ifndef MS_VM_ACCOUNT_H
#define MS_VM_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memsnoop.h"
#include "target/areas.h"
#include "vm/extents.h"

/* Memory that no call we saw has mapped goes to one of these, by its reason. */
#define VM_STACKS(X)                                                                               \
	X(BEFORE, 1, "[mapped before tracing]")                                                    \
	X(EXEC, 2, "[mapped by exec]")                                                             \
	X(GROWTH, 3, "[stack growth]")                                                             \
	X(INHERITED, 4, "[inherited at fork]")                                                     \
	X(KERNEL, 5, "[mapped by the kernel]")                                                     \
	X(UNSEEN, 6, "[mapped unseen]")

enum vm_stack {
#define X(id, number, text) VM_STACK_##id = (number),
	VM_STACKS(X)
#undef X
};

/* The text of one of these, or NULL if the stack is a true one. */
const char *vm_stack_text(uint64_t stack);

/* What a call has mapped. */
struct vm_mapped {
	uint64_t start, end;
	uint64_t stack;
	uint64_t now_ns;
	uint32_t flags; /* enum extent_flags */
};

struct vm_totals {
	struct ms_totals mapped; /* unknown_frees: calls that unmapped nothing we knew */
	uint64_t discards;       /* calls of madvise(DONTNEED, FREE …): mapped bytes stay */
	uint64_t discarded_bytes;
	uint64_t unannounced; /* calls that ended, but whose beginning was not seen */
	uint64_t gone;        /* pieces that vm_account_reconcile() has dropped */
	uint64_t gone_bytes;
};

struct vm_account;

struct vm_account *vm_account_new(void); /* NULL: no memory */
void vm_account_free(struct vm_account *account);
/*
 * The account of a forked child, NULL: no memory.  It has its parent's extents,
 * all under VM_STACK_INHERITED: they are there, but the parent's stacks made them.
 */
struct vm_account *vm_account_fork(const struct vm_account *parent, uint64_t now_ns);

/* mmap, shmat …: frees what lay there, then maps. */
int vm_account_map(struct vm_account *account, const struct vm_mapped *mapped);
/* Moves the break from `start` to `end`, which may be lower. */
int vm_account_brk(struct vm_account *account, const struct vm_mapped *moved);
/* A call that would have mapped memory, announced or not, has failed. */
void vm_account_failed(struct vm_account *account);

/*
 * A munmap of [start, end), or a mremap from there, begins; an empty range for a
 * mremap that leaves the old one (MREMAP_DONTUNMAP, old size 0).  A thread is in one
 * call at a time: an older one of this thread is forgotten.
 */
int vm_account_begin(struct vm_account *account, pid_t tid, uint64_t start, uint64_t end);
int vm_account_unmap_end(struct vm_account *account, pid_t tid, bool ok, uint64_t now_ns);
/*
 * One free of the old range and one allocation of the new, also in place.  `to` is
 * NULL if the call failed; its flags are in addition to the old extent's.
 */
int vm_account_move_end(struct vm_account *account, pid_t tid, const struct vm_mapped *to);

/* madvise that gives pages back, but not addresses. */
void vm_account_discard(struct vm_account *account, uint64_t start, uint64_t end);

/*
 * Makes the extents cover exactly what `areas` do.  What is missing is added under
 * VM_STACK_KERNEL (vdso …), else VM_STACK_GROWTH (the first thread's stack, if
 * `reason` is UNSEEN), else `reason`; what is gone is dropped and counted.
 *
 * Reading /proc races with events.  It does no harm to apply, afterwards, events
 * that the list knew of already, if they come in order and none is left out: for
 * each page the last event counts.
 */
int vm_account_reconcile(struct vm_account *account, const struct areas *areas,
			 enum vm_stack reason, uint64_t now_ns);

void vm_account_totals(const struct vm_account *account, struct vm_totals *out);
const struct extents *vm_account_extents(const struct vm_account *account);
/* Each stack that ever mapped anything; `peak_bytes` is its share of the peak. */
typedef void vm_each_stack(void *context, uint64_t stack, const struct ms_stack_totals *totals,
			   int64_t peak_bytes);
void vm_account_each_stack(const struct vm_account *account, vm_each_stack *each, void *context);

#endif
