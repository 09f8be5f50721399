/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks of a snapshot: totals, shares of the peak, deltas, names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/phase.h"
#include "collect/fill.h"
#include "collect/pieces.h"
#include "peak.h"

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

static int64_t delta_of(const struct collect *c, const struct kernel_total *total)
{
	const struct previous *was = !c->previous
					 ? NULL
					 : bsearch(&total->key, c->previous, c->previous_count,
						   sizeof(*c->previous), compare_keys);

	return total->value.live_bytes - (was ? was->live_bytes : 0);
}

static void remember(struct collect *c, const struct kernel_total *totals, size_t count)
{
	struct previous *previous = malloc((count + 1) * sizeof(*previous));
	size_t i;

	if (!previous)
		return;
	for (i = 0; i < count; i++)
		previous[i] = (struct previous){totals[i].key, totals[i].value.live_bytes};
	qsort(previous, count, sizeof(*previous), compare_keys);
	free(c->previous);
	c->previous = previous;
	c->previous_count = count;
}

static void fill_numbers(const struct collect *c, struct stack *stack, const struct kernel_total *t,
			 size_t process, int64_t peak)
{
	const struct ms_stack_totals *v = &t->value;
	int i;

	*stack = (struct stack){
	    .process = process,
	    .layer = (enum layer)t->key.layer,
	    .allocs = v->allocs,
	    .alloc_bytes = v->alloc_bytes,
	    .frees = v->frees,
	    .freed_bytes = v->freed_bytes,
	    .live = v->allocs - v->frees,
	    .live_bytes = v->live_bytes > 0 ? v->live_bytes : 0,
	    .peak_bytes = peak,
	    .temporary = v->temporary,
	    .delta_bytes = delta_of(c, t),
	};
	for (i = 0; i < LIFETIME_BUCKETS; i++)
		stack->lifetime[i] = v->lifetime[i];
}

/* The kernel's totals and those moved out of it. */
static int all_totals(const struct collect *c, struct kernel_total **out, size_t *count)
{
	struct kernel_total *all;
	size_t i, live = 0;
	int err = kernel_totals(c->kernel, out, count);

	if (err || !c->kept.total_count)
		return err;
	all = realloc(*out, (*count + c->kept.total_count) * sizeof(*all));
	if (!all) {
		free(*out);
		return -ENOMEM;
	}
	/* An entry that could not be deleted in the kernel counts once. */
	for (i = 0; i < *count; i++)
		if (!kept_find(&c->kept, all[i].key.id))
			all[live++] = all[i];
	*count = live;
	memcpy(all + *count, c->kept.totals, c->kept.total_count * sizeof(*all));
	*out = all;
	*count += c->kept.total_count;
	return 0;
}

/* ---- frames --------------------------------------------------------------- */

/* Those of these keys; what they are made of is read at once if they are all that there are. */
static int read_stacks(const struct collect *c, const struct ms_stack_key *keys, size_t count,
		       bool all, struct stack_set *set)
{
	struct pieces pieces = {0};
	struct stack_view known;
	struct ms_stack stack;
	size_t i;
	int err = all ? pieces_read(c->kernel, &pieces) : 0;

	for (i = 0; i < count && !err; i++) {
		uint64_t name = keys[i].hash;

		/* And the stack that started the thread, and its thread's. */
		while (name && !err && !stack_set_find(set, name, &known) &&
		       !pieces_stack(&pieces, c->kernel, name, &stack)) {
			err = stack_set_add(set, name, &stack);
			name = stack.origin;
		}
	}
	pieces_free(&pieces);
	return err;
}

/* ---- stacks that read the same ---------------------------------------------- */

static void stack_add(struct stack *to, const struct stack *from)
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
	to->delta_bytes += from->delta_bytes;
	for (i = 0; i < LIFETIME_BUCKETS; i++)
		to->lifetime[i] += from->lifetime[i];
}

/*
 * Names the stacks, of these keys in this order, and makes one of those of a
 * process and layer that read the same.  In the kernel they differ, by call site;
 * a static initialiser of a library has tens of thousands.
 */
static int merge_stacks(struct naming *naming, struct snapshot *s, const struct numbers *numbers,
			const struct ms_stack_key *keys, bool call_sites)
{
	struct pair_map known = {0};
	size_t i, count = 0;
	uint64_t key[2];
	int err = 0;

	for (i = 0; i < s->stack_count && !err; i++) {
		const struct image *image = numbers->images[keys[i].id];
		struct stack stack = s->stacks[i];
		size_t at;

		key[0] = keys[i].hash;
		key[1] = 0;
		if (!call_sites)
			err = frames_key(naming, image, keys[i].hash, key);
		if (err)
			break;
		key[0] ^=
		    ((uint64_t)stack.process << 3 | (uint64_t)stack.layer) * 0x9e3779b97f4a7c15ULL;
		at = (size_t)(uintptr_t)pair_map_find(&known, key[0], key[1]);
		if (at) {
			stack_add(&s->stacks[at - 1], &stack);
			continue;
		}
		err = frames_of(naming, image, keys[i].hash, &stack);
		if (err)
			break;
		s->stacks[count++] = stack;
		err = pair_map_add(&known, key[0], key[1], (void *)(uintptr_t)count);
	}
	s->stack_count = count;
	pair_map_free(&known);
	return err;
}

/* Gives the stacks, of these keys in this order, their frames. */
static int fill_frames(const struct collect *c, struct snapshot *s, const struct numbers *numbers,
		       const struct ms_stack_key *keys, bool all)
{
	struct stack_set set = {0};
	struct naming *naming = NULL;
	double reading, namings;
	uint64_t time = 0;
	int err;

	phase_ms(&time);
	err = read_stacks(c, keys, s->stack_count, all, &set);
	reading = phase_ms(&time);
	if (!err)
		err = naming_new(&c->source, &set, &naming);
	namings = phase_ms(&time);
	if (!err)
		err = merge_stacks(naming, s, numbers, keys, c->limits.call_sites);
	else
		s->stack_count = 0; /* none has frames that could be freed */
	if (all && !err)
		log_verbose("report: read %zu stacks in %.0f ms, named %zu different frames in "
			    "%.0f ms, made %zu stacks of them in %.0f ms",
			    set.count, reading, naming_count(naming), namings, s->stack_count,
			    phase_ms(&time));
	naming_free(naming);
	stack_set_free(&set);
	return err;
}

/* ---- totals --------------------------------------------------------------- */

/* Those that count, largest first, into the snapshot; their keys in the same order. */
static void choose_stacks(const struct collect *c, struct snapshot *s,
			  const struct kernel_total *totals, size_t n,
			  const struct ms_image *images, const struct numbers *numbers, size_t top,
			  struct ms_stack_key *keys)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct ms_stack_key *key = &totals[i].key;
		size_t process =
		    key->id <= numbers->max_id ? numbers->by_image_id[key->id] : SIZE_MAX;
		int64_t share;

		if (process == SIZE_MAX || !totals[i].value.allocs || key->layer >= MS_LAYER_NR)
			continue;
		s->layer_on[key->layer] = true;
		share = peak_share(&images[process].layer[key->layer], &totals[i].value);
		share = share > 0 ? share : 0;
		s->processes[process].layers[key->layer].in_flight_bytes -= share;
		if (top && s->stack_count == top)
			continue;
		keys[s->stack_count] = *key;
		fill_numbers(c, &s->stacks[s->stack_count++], &totals[i], process, share);
	}
}

int fill_stacks(struct collect *c, struct snapshot *s, const struct ms_image *images,
		const struct numbers *numbers, size_t top)
{
	struct kernel_total *totals = NULL;
	struct ms_stack_key *keys;
	size_t n = 0;
	int err = all_totals(c, &totals, &n);

	if (err)
		return err;
	qsort(totals, n, sizeof(*totals), compare_live);
	keys = calloc(n + 1, sizeof(*keys));
	s->stacks = calloc(n + 1, sizeof(*s->stacks));
	err = keys && s->stacks ? 0 : -ENOMEM;
	if (!err) {
		choose_stacks(c, s, totals, n, images, numbers, top, keys);
		err = fill_frames(c, s, numbers, keys, !top);
	}
	remember(c, totals, n);
	free(keys);
	free(totals);
	return err;
}
