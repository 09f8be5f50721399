/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each stack held a while ago: a few samples of live bytes, so that what grew
 * last can be said when memory has run out.
 */
#ifndef MS_GROWTH_H
#define MS_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/totals.h"

#define GROWTH_SAMPLES 8
#define GROWTH_STACKS 65536             /* in one sample: those that hold most */
#define GROWTH_STEP_NS 2000000000ULL    /* between samples, or longer: growth_spent() */
#define GROWTH_WINDOW_NS 10000000000ULL /* what "last" means */
#define GROWTH_SHARE 100                /* sampling takes at most one part of so many */

struct growth_item {
	struct ms_stack_key key;
	int64_t live_bytes;
};

struct growth_sample {
	uint64_t time_ns;          /* CLOCK_MONOTONIC, as all times here */
	struct growth_item *items; /* sorted by key */
	size_t count;
	size_t cut; /* stacks that were left out */
};

struct growth {
	struct growth_sample samples[GROWTH_SAMPLES]; /* a ring */
	size_t count;                                 /* taken so far */
	uint64_t due_ns;
};

/* Whether it is time for the next sample. */
bool growth_due(const struct growth *growth, uint64_t now_ns);
/* Takes a sample of `totals`.  0 or -ENOMEM. */
int growth_add(struct growth *growth, uint64_t now_ns, const struct kernel_total *totals,
	       size_t count);
/* How long the sample took, reading included: the next one waits accordingly. */
void growth_spent(struct growth *growth, uint64_t now_ns, uint64_t spent_ns);
/*
 * The sample to compare with at `at_ns`: the last that is GROWTH_WINDOW_NS older, or
 * else the oldest there is.  NULL: there is none.
 */
const struct growth_sample *growth_before(const struct growth *growth, uint64_t at_ns);
/* What this stack held then, 0 if it is not in the sample. */
int64_t growth_held(const struct growth_sample *sample, const struct ms_stack_key *key);
void growth_free(struct growth *growth);

#endif
