/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BPF maps, from this side.  While a call of these lasts the kernel runs no program of a
 * kprobe or of perf's tracepoints on this CPU, anybody's (bpf_disable_instrumentation(),
 * since 5.6, commit 085fee1a72a9): what a thread does that preempted us there is not seen.
 * So where the kernel is preempted (probe/preempt.h) nobody is to: for the call, a
 * millisecond at most, this thread goes before all normal ones.  Where that is not
 * allowed it does not, and what is missed is counted.
 */
#ifndef MS_MAPS_H
#define MS_MAPS_H

#include <stddef.h>
#include <stdint.h>

/* As bpf_map_lookup_elem() and the others: 0 or a negative errno. */
int maps_get(int fd, const void *key, void *value);
int maps_put(int fd, const void *key, const void *value, uint64_t flags);
int maps_drop(int fd, const void *key);

/* Gets `n` keys and values; an answer other than 0 ends the reading. */
typedef int maps_fn(const void *keys, const void *values, uint32_t n, void *context);

/*
 * Reads a whole hash map in batches, so that entries that come and go meanwhile
 * cannot restart the walk.  0, fn's answer, or a negative errno.
 */
int maps_read(int fd, size_t key_size, size_t value_size, maps_fn *fn, void *context);

#endif
