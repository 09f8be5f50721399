/* SPDX-License-Identifier: GPL-2.0 */
/* How fast a number grows: over the last refreshes, so that one of them is not all. */
#ifndef MS_RATES_H
#define MS_RATES_H

#include <stdint.h>

#define RATES_SAMPLES 5 /* so the rates are of the last four refreshes */

/* What grows: bytes may shrink, the others only count up. */
struct sample {
	double t_s;
	uint64_t bytes, minor, major;
};

struct history {
	struct sample samples[RATES_SAMPLES]; /* oldest first */
	unsigned count;
};

struct rates {
	double bytes, minor, major; /* a second */
};

/* Forgets the oldest where there is no room. */
void history_add(struct history *h, const struct sample *sample);
/* From the oldest to the newest; all 0 of a single sample. */
struct rates history_rates(const struct history *h);

#endif
