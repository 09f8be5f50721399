/* SPDX-License-Identifier: GPL-2.0 */
/* Reads totals, sorts and adds them. */
#include "collect/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/maps.h"

_Static_assert((int)LAYER_RSS + 1 == (int)MS_LAYER_NR, "layers of processes come first");

/* ---- reading -------------------------------------------------------------- */

struct totals_sink {
	struct kernel_total *items;
	size_t count, room;
};

static int take_totals(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_stack_key *key = keys;
	const struct ms_stack_totals *value = values;
	struct totals_sink *sink = context;
	uint32_t i;

	if (sink->count + n > sink->room) {
		size_t room = 2 * (sink->count + n);
		void *items = realloc(sink->items, room * sizeof(*sink->items));

		if (!items)
			return -ENOMEM;
		sink->items = items;
		sink->room = room;
	}
	for (i = 0; i < n; i++)
		sink->items[sink->count++] = (struct kernel_total){key[i], value[i]};
	return 0;
}

int totals_read(int fd, struct kernel_total **out, size_t *count)
{
	struct totals_sink sink = {0};
	int err = maps_read(fd, sizeof(struct ms_stack_key), sizeof(struct ms_stack_totals),
			    take_totals, &sink);

	if (err) {
		free(sink.items);
		return err;
	}
	*out = sink.items;
	*count = sink.count;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ms_stack_key));
}

static int compare_live(const void *a, const void *b)
{
	const struct kernel_total *x = a, *y = b;

	if (x->value.live_bytes != y->value.live_bytes)
		return x->value.live_bytes < y->value.live_bytes ? 1 : -1;
	return compare_keys(&x->key, &y->key);
}

void totals_sort(struct kernel_total *totals, size_t count)
{
	if (count)
		qsort(totals, count, sizeof(*totals), compare_live);
}

/* ---- numbers of a snapshot ------------------------------------------------- */

void totals_fill(struct stack *stack, const struct kernel_total *total, int64_t peak_share,
		 int64_t delta)
{
	const struct ms_stack_totals *v = &total->value;
	int i;

	*stack = (struct stack){
	    .allocs = v->allocs,
	    .alloc_bytes = v->alloc_bytes,
	    .frees = v->frees,
	    .freed_bytes = v->freed_bytes,
	    .live = v->allocs - v->frees,
	    .live_bytes = v->live_bytes > 0 ? v->live_bytes : 0,
	    .peak_bytes = peak_share > 0 ? peak_share : 0,
	    .temporary = v->temporary,
	    .delta_bytes = delta,
	};
	for (i = 0; i < LIFETIME_BUCKETS; i++)
		stack->lifetime[i] = v->lifetime[i];
}

void totals_add(struct stack *to, const struct stack *from)
{
	int i;

	to->allocs += from->allocs;
	to->alloc_bytes += from->alloc_bytes;
	to->frees += from->frees;
	to->freed_bytes += from->freed_bytes;
	to->live += from->live;
	to->live_bytes += from->live_bytes;
	to->peak_bytes += from->peak_bytes;
	to->temporary += from->temporary;
	to->major_faults += from->major_faults;
	to->untouched_bytes += from->untouched_bytes;
	to->delta_bytes += from->delta_bytes;
	to->rounding_bytes += from->rounding_bytes;
	for (i = 0; i < LIFETIME_BUCKETS; i++)
		to->lifetime[i] += from->lifetime[i];
}

void totals_layer(struct layer_totals *layer, const struct ms_totals *t, uint64_t start_ns)
{
	*layer = (struct layer_totals){
	    .allocs = t->allocs,
	    .alloc_bytes = t->alloc_bytes,
	    .frees = t->frees,
	    .freed_bytes = t->freed_bytes,
	    .live = t->allocs - t->frees,
	    .live_bytes = t->live_bytes,
	    .peak_bytes = t->peak_bytes,
	    .peak_at_s = t->peak_at_ns > start_ns ? (t->peak_at_ns - start_ns) / 1e9 : 0,
	    .in_flight_bytes = t->peak_bytes,
	    .unknown_frees = t->unknown_frees,
	    .failed = t->failed,
	};
}

int totals_losses(struct snapshot *s)
{
	static const struct loss losses[MS_LOSS_NR] = {
#define X(name, text) {#name, text, 0},
	    MS_LOSSES(X)
#undef X
	};

	s->losses = malloc(sizeof(losses));
	if (!s->losses)
		return -ENOMEM;
	memcpy(s->losses, losses, sizeof(losses));
	s->loss_count = MS_LOSS_NR;
	return 0;
}

/* ---- deltas ---------------------------------------------------------------- */

struct previous {
	struct ms_stack_key key;
	int64_t live_bytes;
};

int64_t deltas_of(const struct deltas *d, const struct kernel_total *total)
{
	const struct previous *was =
	    d->count ? bsearch(&total->key, d->previous, d->count, sizeof(*was), compare_keys)
		     : NULL;

	return total->value.live_bytes - (was ? was->live_bytes : 0);
}

void deltas_remember(struct deltas *d, const struct kernel_total *totals, size_t count)
{
	struct previous *previous = malloc((count + 1) * sizeof(*previous));
	size_t i;

	if (!previous)
		return;
	for (i = 0; i < count; i++)
		previous[i] = (struct previous){totals[i].key, totals[i].value.live_bytes};
	qsort(previous, count, sizeof(*previous), compare_keys);
	free(d->previous);
	d->previous = previous;
	d->count = count;
}

void deltas_free(struct deltas *d)
{
	free(d->previous);
	*d = (struct deltas){0};
}
