/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks of a snapshot: which, their shares of the peak, their names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/phase.h"
#include "collect/fill.h"
#include "collect/pieces.h"
#include "peak.h"

/* The kernel's totals and those moved out of it. */
static int kernel_and_kept(const struct collect *c, struct kernel_total **out, size_t *count)
{
	struct kernel_total *all;
	size_t i, live = 0;
	int err = kernel_totals(c->kernel, out, count);

	if (err || !c->kept.total_count)
		return err;
	all = realloc(*out, (*count + c->kept.total_count) * sizeof(*all));
	if (!all)
		return -ENOMEM;
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

static int all_totals(const struct collect *c, struct kernel_total **out, size_t *count)
{
	int err = kernel_and_kept(c, out, count);

	if (!err)
		err = watch_stacks(c, out, count);
	if (err)
		free(*out);
	return err;
}

/* ---- frames --------------------------------------------------------------- */

/* And the stack that started its thread, and so on. */
static int read_stack(const struct collect *c, const struct pieces *pieces, uint64_t name,
		      struct stack_set *set)
{
	struct stack_view known;
	struct ms_stack stack;
	int err = 0;

	while (name && !err && !stack_set_find(set, name, &known) &&
	       !pieces_stack(pieces, c->kernel, name, &stack)) {
		err = stack_set_add(set, name, &stack);
		name = stack.origin;
	}
	return err;
}

/* Those of these lists; what they are made of is read at once if they are all that there are. */
static int read_stacks(const struct collect *c, const struct stack_list *lists, size_t list_count,
		       bool all, struct stack_set *set)
{
	struct pieces pieces = {0};
	size_t i, j;
	int err = all ? pieces_read(kernel_pieces(c->kernel), &pieces) : 0;

	for (i = 0; i < list_count; i++)
		for (j = 0; j < *lists[i].count && !err; j++)
			err = read_stack(c, &pieces, lists[i].keys[j].hash, set);
	pieces_free(&pieces);
	return err;
}

/* ---- stacks that read the same ---------------------------------------------- */

/*
 * Names the stacks of a list, in their order, and makes one of those of a
 * process and layer that read the same.  In the kernel they differ, by call site;
 * a static initialiser of a library has tens of thousands.
 */
static int merge_stacks(struct naming *naming, const struct stack_list *list,
			const struct numbers *numbers, bool call_sites)
{
	const struct ms_stack_key *keys = list->keys;
	struct pair_map known = {0};
	size_t i, count = 0, all = *list->count;
	uint64_t key[2];
	int err = 0;

	for (i = 0; i < all && !err; i++) {
		const struct image *image = numbers->images[keys[i].id];
		struct stack stack = list->stacks[i];
		size_t at;

		key[0] = keys[i].hash;
		key[1] = 0;
		if (!call_sites && !list->apart)
			err = frames_key(naming, image, keys[i].hash, key);
		if (err)
			break;
		key[0] ^= ((uint64_t)stack.process << 32 | keys[i].layer) * 0x9e3779b97f4a7c15ULL;
		at = list->apart ? 0 : (size_t)(uintptr_t)pair_map_find(&known, key[0], key[1]);
		if (at) {
			totals_add(&list->stacks[at - 1], &stack);
			continue;
		}
		err = frames_of(naming, image, keys[i].hash, &stack);
		if (err)
			break;
		list->stacks[count++] = stack;
		if (!list->apart)
			err = pair_map_add(&known, key[0], key[1], (void *)(uintptr_t)count);
	}
	*list->count = count;
	pair_map_free(&known);
	return err;
}

/* Gives the stacks of each list their frames. */
static int fill_frames(const struct collect *c, const struct numbers *numbers,
		       const struct stack_list *lists, size_t list_count, bool all)
{
	struct stack_set set = {0};
	struct naming *naming = NULL;
	double reading, namings;
	uint64_t time = 0;
	size_t i;
	int err;

	phase_ms(&time);
	err = read_stacks(c, lists, list_count, all, &set);
	reading = phase_ms(&time);
	if (!err)
		err = naming_new(&c->source, &set, &naming);
	namings = phase_ms(&time);
	for (i = 0; i < list_count; i++)
		if (!err)
			err = merge_stacks(naming, &lists[i], numbers, c->limits.call_sites);
	if (all && !err)
		log_verbose("report: read %zu stacks in %.0f ms, named %zu different frames in "
			    "%.0f ms, made %zu stacks of them in %.0f ms",
			    set.count, reading, naming_count(naming), namings, *lists[0].count,
			    phase_ms(&time));
	naming_free(naming);
	stack_set_free(&set);
	return err;
}

/* ---- totals --------------------------------------------------------------- */

/* The entry for what found no room is always there, mostly empty. */
static bool has_numbers(const struct ms_stack_totals *value)
{
	return value->allocs || value->live_bytes || value->saved_bytes;
}

/* Those that count, largest first, into the snapshot; their keys in the same order. */
static void choose_stacks(const struct collect *c, struct snapshot *s,
			  const struct kernel_total *totals, size_t n,
			  const struct ms_image *images, const struct numbers *numbers, size_t top,
			  struct ms_stack_key *keys)
{
	size_t i, chosen[MS_LAYER_NR] = {0};

	for (i = 0; i < n; i++) {
		const struct ms_stack_key *key = &totals[i].key;
		uint32_t layer = key_layer(key);
		size_t process =
		    key->id <= numbers->max_id ? numbers->by_image_id[key->id] : SIZE_MAX;
		struct stack *stack;
		int64_t share;

		if (process == SIZE_MAX || layer >= MS_LAYER_NR || !has_numbers(&totals[i].value))
			continue;
		s->layer_on[layer] = true;
		share = peak_share(&images[process].layer[layer], &totals[i].value);
		share = share > 0 ? share : 0;
		s->processes[process].layers[layer].in_flight_bytes -= share;
		if (top && chosen[layer]++ >= top)
			continue;
		keys[s->stack_count] = *key;
		stack = &s->stacks[s->stack_count++];
		totals_fill(stack, &totals[i], share, deltas_of(&c->deltas, &totals[i]));
		stack->process = process;
		stack->layer = (enum layer)layer;
		watch_fill(c, key, stack);
	}
}

/* The lists of a snapshot: its stacks, which are there, and those of when memory ran out. */
static int fill_lists(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		      struct stack_list *own, size_t top)
{
	struct stack_list *lists = calloc(c->ooms.count + 6, sizeof(*lists));
	size_t i, count = 1;
	int err;

	if (!lists)
		return -ENOMEM;
	lists[0] = *own;
	err = shortage_victims(c, s, numbers, top ? NULL : lists, &count);
	if (!err && !top)
		err = shortage_failures(c, s, numbers, lists, &count);
	if (!err && !top)
		err = tensors_lists(c, s, numbers, lists, &count);
	if (!err && !top)
		err = allocators_list(c, s, numbers, lists, &count);
	if (!err && !top)
		err = makers_list(c, s, numbers, lists, &count);
	if (!err)
		err = fill_frames(c, numbers, lists, count, !top);
	for (i = 1; i < count; i++)
		free(lists[i].keys);
	free(lists);
	return err;
}

int fill_stacks(struct collect *c, struct snapshot *s, const struct ms_image *images,
		const struct numbers *numbers, size_t top)
{
	struct kernel_total *totals = NULL;
	struct stack_list own;
	size_t n = 0;
	int err = all_totals(c, &totals, &n);

	if (err)
		return err;
	totals_sort(totals, n);
	s->stacks = calloc(n + 1, sizeof(*s->stacks));
	own = (struct stack_list){s->stacks, calloc(n + 1, sizeof(*own.keys)), &s->stack_count,
				  false};
	err = own.keys && s->stacks ? 0 : -ENOMEM;
	if (!err) {
		choose_stacks(c, s, totals, n, images, numbers, top, own.keys);
		err = fill_lists(c, s, numbers, &own, top);
	}
	deltas_remember(&c->deltas, totals, n);
	free(own.keys);
	free(totals);
	return err;
}
