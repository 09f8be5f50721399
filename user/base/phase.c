/* SPDX-License-Identifier: GPL-2.0 */
/* A stopwatch. */
#include "base/phase.h"

#include <time.h>

double phase_ms(uint64_t *since)
{
	struct timespec ts;
	uint64_t now, was = *since;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	*since = now;
	return (double)(now - was) / 1e6;
}
