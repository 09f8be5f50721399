/* SPDX-License-Identifier: GPL-2.0 */
/* The clock that the kernel side stamps its events with (bpf_ktime_get_ns()). */
#ifndef MS_CLOCK_H
#define MS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, in ns. */
static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Seconds from one such time to another; 0 if that was before. */
static inline double clock_seconds(uint64_t start_ns, uint64_t ns)
{
	return ns > start_ns ? (double)(ns - start_ns) / 1e9 : 0;
}

#endif
