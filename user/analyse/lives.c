/* SPDX-License-Identifier: GPL-2.0 */
/* Which category had how many bytes when; and what lived at moments that tell most. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/tensors_inside.h"
#include "base/array.h"

/* ---- the category of a block ------------------------------------------------------------ */

/* The user's own go first. */
static unsigned own_or(const struct tensors *t, unsigned marks, unsigned category)
{
	unsigned own = marks & t->rules->categories;

	return own ? CATEGORY_NR + (unsigned)own_number(own) : category;
}

static unsigned category_with(const struct tensors *t, const struct tensor_block *block,
			      unsigned marks)
{
	struct tensor_block known;

	if (!(marks & ~block->marks))
		return category_of(block, &t->context);
	known = *block;
	known.marks |= marks;
	return category_of(&known, &t->context);
}

unsigned tensors_category(const struct tensors *t, const struct tensor_block *block)
{
	unsigned native = native_find(t->native, block->stack);

	return own_or(t, block->marks | native, category_with(t, block, native));
}

static int wait_for(struct waitings *list, const struct tensors *t,
		    const struct tensor_block *block, size_t device)
{
	if (array_reserve(&list->items, list->count, &list->room, sizeof(*list->items)))
		return -ENOMEM;
	list->items[list->count++] = (struct waiting){
	    .stack = block->stack,
	    .size = block->size,
	    .born_s = block->born.t_s,
	    .died_s = block->died.t_s,
	    .device = (uint32_t)device,
	    .marks = block->marks,
	    .plain = (uint8_t)category_with(t, block, 0),
	    .workspace = (uint8_t)category_with(t, block, MARK_WORKSPACE),
	};
	return 0;
}

static unsigned category_waited(const struct tensors *t, const struct waiting *w)
{
	unsigned native = native_find(t->native, w->stack);

	return own_or(t, w->marks | native, native & MARK_WORKSPACE ? w->workspace : w->plain);
}

static void waitings_free(struct waitings *list)
{
	free(list->items);
	*list = (struct waitings){0};
}

/* ---- time -------------------------------------------------------------------------- */

static size_t tick_of(const struct tensors *t, double t_s)
{
	double ticks = (t_s - t->start_s) / t->tick_s;

	return ticks <= 0 ? 0 : ticks >= TENSOR_TICKS ? TENSOR_TICKS - 1 : (size_t)ticks;
}

/* It came and went within one interval: no sum is another for it, whatever it was. */
static bool is_brief(const struct tensors *t, double born_s, double died_s)
{
	return tick_of(t, born_s) == tick_of(t, died_s);
}

static void drop_brief(struct tensors *t)
{
	struct waitings *list = &t->waiting;
	size_t i, kept = 0;

	for (i = 0; i < list->count; i++)
		if (!is_brief(t, list->items[i].born_s, list->items[i].died_s))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

/* Twice the time for each interval. */
static void ticks_merge(struct tensors *t)
{
	size_t i, j;

	for (i = 0; i < TENSOR_TICKS / 2; i++)
		for (j = 0; j < TENSOR_CATEGORIES; j++)
			t->ended->by[i][j] = t->ended->by[2 * i][j] + t->ended->by[2 * i + 1][j];
	memset(t->ended->by[TENSOR_TICKS / 2], 0, sizeof(t->ended->by) / 2);
	t->tick_s *= 2;
	drop_brief(t);
}

void tensors_reach(struct tensors *t, double t_s)
{
	while (t_s - t->start_s >= t->tick_s * TENSOR_TICKS)
		ticks_merge(t);
}

static void add_ended(struct tensors *t, unsigned category, uint64_t size, double born_s,
		      double died_s)
{
	t->ended->by[tick_of(t, born_s)][category] += (int64_t)size;
	t->ended->by[tick_of(t, died_s)][category] -= (int64_t)size;
}

void tensors_add_life(struct tensors *t, const struct tensor_block *block)
{
	if (is_brief(t, block->born.t_s, block->died.t_s))
		return;
	/* Without memory to wait, it is what it is without names. */
	if (native_is_open(t->native, block->stack) && !wait_for(&t->waiting, t, block, 0))
		return;
	add_ended(t, tensors_category(t, block), block->size, block->born.t_s, block->died.t_s);
}

static void add_living(const struct tensor_block *block, void *context)
{
	const struct tensors *t = context;

	t->all->by[tick_of(t, block->born.t_s)][tensors_category(t, block)] += (int64_t)block->size;
}

int tensors_timeline(struct tensors *t)
{
	size_t i, j;

	if (!t->all)
		t->all = malloc(sizeof(*t->all));
	if (!t->all)
		return -ENOMEM;
	*t->all = *t->ended;
	blocks_each_live(&t->blocks, add_living, t);
	for (i = 1; i < TENSOR_TICKS; i++)
		for (j = 0; j < TENSOR_CATEGORIES; j++)
			t->all->by[i][j] += t->all->by[i - 1][j];
	return 0;
}

void tensors_at(const struct tensors *t, double t_s, uint64_t bytes[TENSOR_CATEGORIES])
{
	const int64_t *sums;
	size_t i;

	memset(bytes, 0, TENSOR_CATEGORIES * sizeof(*bytes));
	if (!t->all || t_s < t->start_s)
		return;
	sums = t->all->by[tick_of(t, t_s)];
	for (i = 0; i < TENSOR_CATEGORIES; i++)
		bytes[i] = sums[i] > 0 ? (uint64_t)sums[i] : 0;
}

/* ---- what lived at one moment --------------------------------------------------------- */

struct still_context {
	const struct tensors *tensors;
	struct still *still;
};

static void still_add(const struct tensor_block *block, void *context)
{
	const struct still_context *c = context;
	const struct tensors *t = c->tensors;
	size_t device = 0;

	while (c->still->devices[device].device != block->device)
		device++;
	if (native_is_open(t->native, block->stack) &&
	    !wait_for(&c->still->waiting, t, block, device))
		return;
	c->still->devices[device].bytes[tensors_category(t, block)] += block->size;
}

void tensors_still_free(struct still *still)
{
	free(still->devices);
	waitings_free(&still->waiting);
	*still = (struct still){0};
}

int tensors_still_take(const struct tensors *t, struct still *still)
{
	struct still_context c = {t, still};
	size_t i, n = t->blocks.device_count;
	struct still_device *devices = calloc(n + 1, sizeof(*devices));

	if (!devices)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		devices[i].device = t->blocks.devices[i].device;
	tensors_still_free(still);
	still->devices = devices;
	still->count = n;
	blocks_each_live(&t->blocks, still_add, &c);
	return 0;
}

/* ---- names that were read ---------------------------------------------------------------- */

static void still_settle(const struct tensors *t, struct still *still)
{
	size_t i;

	for (i = 0; i < still->waiting.count; i++) {
		const struct waiting *w = &still->waiting.items[i];

		still->devices[w->device].bytes[category_waited(t, w)] += w->size;
	}
	waitings_free(&still->waiting);
}

void tensors_read_names(struct tensors *t, const struct native_marks *native)
{
	t->native = native;
}

size_t tensors_waiting(const struct tensors *t)
{
	return t->waiting.count;
}

void tensors_names_read(struct tensors *t)
{
	size_t i;

	for (i = 0; i < t->waiting.count; i++) {
		const struct waiting *w = &t->waiting.items[i];

		add_ended(t, category_waited(t, w), w->size, w->born_s, w->died_s);
	}
	waitings_free(&t->waiting);
	still_settle(t, &t->before_backward);
	still_settle(t, &t->after_step);
}

void tensors_lives_free(struct tensors *t)
{
	tensors_still_free(&t->before_backward);
	tensors_still_free(&t->after_step);
	waitings_free(&t->waiting);
	free(t->ended);
	free(t->all);
}
