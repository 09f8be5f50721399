/* SPDX-License-Identifier: GPL-2.0 */
/* A ring of samples. */
#include "collect/growth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ms_stack_key));
}

static int compare_live(const void *a, const void *b)
{
	const struct growth_item *x = a, *y = b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes < y->live_bytes ? 1 : -1;
	return compare_keys(&x->key, &y->key);
}

bool growth_due(const struct growth *growth, uint64_t now_ns)
{
	return now_ns >= growth->due_ns;
}

int growth_add(struct growth *growth, uint64_t now_ns, const struct kernel_total *totals,
	       size_t count)
{
	struct growth_sample *sample = &growth->samples[growth->count % GROWTH_SAMPLES];
	struct growth_item *items = malloc((count + 1) * sizeof(*items)), *fitted;
	size_t i, n = 0, cut = 0;

	if (!items)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (totals[i].value.live_bytes > 0)
			items[n++] =
			    (struct growth_item){totals[i].key, totals[i].value.live_bytes};
	if (n > GROWTH_STACKS) {
		qsort(items, n, sizeof(*items), compare_live);
		cut = n - GROWTH_STACKS;
		n = GROWTH_STACKS;
	}
	qsort(items, n, sizeof(*items), compare_keys);
	fitted = realloc(items, (n + 1) * sizeof(*items));
	free(sample->items);
	*sample = (struct growth_sample){now_ns, fitted ? fitted : items, n, cut};
	growth->count++;
	return 0;
}

void growth_spent(struct growth *growth, uint64_t now_ns, uint64_t spent_ns)
{
	uint64_t wait = spent_ns * GROWTH_SHARE;

	growth->due_ns = now_ns + (wait > GROWTH_STEP_NS ? wait : GROWTH_STEP_NS);
}

const struct growth_sample *growth_before(const struct growth *growth, uint64_t at_ns)
{
	size_t kept = growth->count < GROWTH_SAMPLES ? growth->count : GROWTH_SAMPLES, i;
	const struct growth_sample *sample = NULL;

	/* from the newest back */
	for (i = 1; i <= kept; i++) {
		sample = &growth->samples[(growth->count - i) % GROWTH_SAMPLES];
		if (sample->time_ns + GROWTH_WINDOW_NS <= at_ns)
			break;
	}
	return sample;
}

int64_t growth_held(const struct growth_sample *sample, const struct ms_stack_key *key)
{
	const struct growth_item *item =
	    sample->count ? bsearch(key, sample->items, sample->count, sizeof(*item), compare_keys)
			  : NULL;

	return item ? item->live_bytes : 0;
}

void growth_free(struct growth *growth)
{
	size_t i;

	for (i = 0; i < GROWTH_SAMPLES; i++)
		free(growth->samples[i].items);
	*growth = (struct growth){0};
}
