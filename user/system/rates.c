/* SPDX-License-Identifier: GPL-2.0 */
#include "system/rates.h"

#include <string.h>

void history_add(struct history *h, const struct sample *sample)
{
	if (h->count == RATES_SAMPLES) {
		memmove(h->samples, h->samples + 1, (RATES_SAMPLES - 1) * sizeof(h->samples[0]));
		h->count--;
	}
	h->samples[h->count++] = *sample;
}

/* Counters that went back (a thread was seen twice as it ended) did not count. */
static double counted(uint64_t from, uint64_t to)
{
	return to > from ? (double)(to - from) : 0;
}

struct rates history_rates(const struct history *h)
{
	const struct sample *from = h->samples, *to;
	double time;

	if (h->count < 2)
		return (struct rates){0};
	to = &h->samples[h->count - 1];
	time = to->t_s - from->t_s;
	if (time <= 0)
		return (struct rates){0};
	return (struct rates){
	    .bytes = ((double)to->bytes - (double)from->bytes) / time,
	    .minor = counted(from->minor, to->minor) / time,
	    .major = counted(from->major, to->major) / time,
	};
}
