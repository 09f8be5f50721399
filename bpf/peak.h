/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The exact peak in O(1) per event, with no event log.
 *
 * An image keeps its total T, the maximum M of T and an epoch E.  E is even
 * while T == M and odd while T is below: it steps when T falls from M and
 * again when T climbs above M.  The first event in an odd epoch that changes a
 * stack saves the stack's value first.  So a stack's share of M is its saved
 * value if it was saved in the current odd epoch, else what it holds now, and
 * the shares sum to M.  (T coming back to exactly M leaves E odd: the peak is
 * the first moment M was reached, and the saved values describe that one.)
 *
 * uprobe programs may not take a lock (the verifier refuses bpf_spin_lock in
 * tracing programs), so this is atomics.  With one thread it is exact.  Across
 * CPUs M is exact, and the shares miss M by at most what is in flight then;
 * user space reports that difference by name.
 *
 * The BPF programs and the unit tests compile this same file.
 */
#ifndef MS_PEAK_H
#define MS_PEAK_H

#include "memsnoop.h"

#define PEAK_TRIES 32 /* each failed try means that another CPU raised the peak */

static inline __attribute__((always_inline)) void peak_save(struct ms_stack_totals *s, __u64 epoch)
{
	__u64 seen = *(volatile __u64 *)&s->saved_epoch;

	if (seen != epoch && __sync_val_compare_and_swap(&s->saved_epoch, seen, epoch) == seen)
		s->saved_bytes = *(volatile __s64 *)&s->live_bytes;
}

/* Raises the peak to `total`; false if contention made it give up. */
static inline __attribute__((always_inline)) int peak_raise(struct ms_totals *t, __s64 total,
							    __u64 now_ns)
{
	int i;

	for (i = 0; i < PEAK_TRIES; i++) {
		__s64 peak = *(volatile __s64 *)&t->peak_bytes;

		if (total <= peak)
			return 1;
		if (__sync_val_compare_and_swap(&t->peak_bytes, peak, total) == peak) {
			t->peak_at_ns = now_ns;
			return 1;
		}
	}
	return 0;
}

/*
 * Adds `delta` bytes to stack `s` of image totals `t`.  Returns false only if
 * the peak could not be raised under contention (counted by the caller).
 */
static inline __attribute__((always_inline)) int
peak_change(struct ms_totals *t, struct ms_stack_totals *s, __s64 delta, __u64 now_ns)
{
	__s64 total = __sync_fetch_and_add(&t->live_bytes, delta) + delta;
	__u64 epoch = *(volatile __u64 *)&t->epoch;
	int ok = 1;

	if (total > *(volatile __s64 *)&t->peak_bytes) {
		if (epoch & 1)
			__sync_val_compare_and_swap(&t->epoch, epoch, epoch + 1);
		ok = peak_raise(t, total, now_ns);
	} else if (delta) {
		if (!(epoch & 1)) {
			__sync_val_compare_and_swap(&t->epoch, epoch, epoch + 1);
			epoch++;
		}
		peak_save(s, epoch);
	}
	__sync_fetch_and_add(&s->live_bytes, delta);
	return ok;
}

/* A stack's share of the peak. */
static inline __attribute__((always_inline)) __s64 peak_share(const struct ms_totals *t,
							      const struct ms_stack_totals *s)
{
	return (t->epoch & 1) && s->saved_epoch == t->epoch ? s->saved_bytes : s->live_bytes;
}

#endif
