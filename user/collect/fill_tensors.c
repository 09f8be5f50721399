/* SPDX-License-Identifier: GPL-2.0 */
/* Stages, categories and tensors of a snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/collect.h"
#include "collect/fill.h"

/* Tensors that are named, those with most bytes first; the rest is in the sums. */
#define TENSORS_MAX 4096
/* Moments of a snapshot's time line of categories. */
#define POINTS_MAX 1000

/* NULL: there is no such one, as the number is that of a stage of the user's. */
static const char *category_name(const struct collect *c, unsigned category)
{
	const struct own_rules *rules = c->tensors.rules;
	unsigned own = category - CATEGORY_NR;

	if (category < CATEGORY_NR)
		return category_names[category];
	return own < rules->count && rules->categories & (unsigned)MARK_OWN << own
		   ? rules->items[own].name
		   : NULL;
}

static int fill_names(const struct collect *c, struct snapshot *s)
{
	unsigned i;

	s->category_names = calloc(TENSOR_CATEGORIES, sizeof(*s->category_names));
	if (!s->category_names)
		return -ENOMEM;
	for (i = 0; i < TENSOR_CATEGORIES; i++)
		if (category_name(c, i))
			s->category_names[s->category_name_count++] = category_name(c, i);
	return 0;
}

/* ---- stages ------------------------------------------------------------------------- */

static int add_stage(struct snapshot *s, size_t process, const struct stage_span *span)
{
	struct stage *stage = &s->stages[s->stage_count];

	*stage = (struct stage){
	    .process = process,
	    .name = strdup(span->kind == STAGE_OWN ? span->name : stage_names[span->kind]),
	    .start_s = span->start_s,
	    .end_s = span->end_s,
	    .iteration = span->iteration,
	    .depth = span->depth,
	    .entry_bytes = span->entry_bytes,
	    .exit_bytes = span->exit_bytes,
	    .peak_bytes = span->peak_bytes,
	    .growth_bytes = (int64_t)span->exit_bytes - (int64_t)span->entry_bytes,
	};
	if (!stage->name)
		return -ENOMEM;
	s->stage_count++;
	return 0;
}

static int fill_stages(struct snapshot *s, size_t process, const struct tensors *t)
{
	double end_s = s->processes[process].end_s;
	struct stage_span *spans;
	struct stage *stages;
	size_t i, count;
	int err = stages_copy(tensors_stages(t), end_s, tensors_live_bytes(t), &spans, &count);

	if (err)
		return err;
	stages = realloc(s->stages, (s->stage_count + count + 1) * sizeof(*stages));
	if (stages)
		s->stages = stages;
	else
		err = -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = add_stage(s, process, &spans[i]);
	free(spans);
	return err;
}

/* ---- categories ---------------------------------------------------------------------- */

static int add_category(struct snapshot *s, size_t process, const struct tensor_sums *sums,
			unsigned category, const char *name)
{
	struct category *more = realloc(s->categories, (s->category_count + 1) * sizeof(*more));
	char device[32];

	if (!more)
		return -ENOMEM;
	s->categories = more;
	more += s->category_count;
	*more = (struct category){
	    .process = process,
	    .device = strdup(tensor_device_text(sums->device, device, sizeof(device))),
	    .name = strdup(name),
	    .bytes_at_peak = sums->at_peak[category],
	    .bytes_before_backward = sums->before_backward[category],
	    .bytes_after_step = sums->after_step[category],
	    .bytes_at_end = sums->at_end[category],
	};
	s->category_count++;
	return more->device && more->name ? 0 : -ENOMEM;
}

static int fill_categories(const struct collect *c, struct snapshot *s, size_t process,
			   const struct tensors *t)
{
	struct tensor_sums *sums;
	size_t i, count;
	unsigned j;
	int err = tensors_sums(t, &sums, &count);

	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		for (j = 0; j < TENSOR_CATEGORIES && !err; j++)
			if (category_name(c, j))
				err = add_category(s, process, &sums[i], j, category_name(c, j));
	free(sums);
	return err;
}

static int add_point(const struct collect *c, struct snapshot *s, size_t process,
		     const struct tensors *t, double t_s)
{
	struct category_point *point = &s->category_points[s->category_point_count];
	uint64_t bytes[TENSOR_CATEGORIES];
	size_t i, n = 0;

	tensors_at(t, t_s, bytes);
	*point =
	    (struct category_point){process, t_s, calloc(s->category_name_count, sizeof(*bytes))};
	if (!point->bytes)
		return -ENOMEM;
	for (i = 0; i < TENSOR_CATEGORIES; i++)
		if (category_name(c, (unsigned)i))
			point->bytes[n++] = bytes[i];
	s->category_point_count++;
	return 0;
}

static int fill_category_points(const struct collect *c, struct snapshot *s, size_t process,
				struct tensors *t)
{
	const struct process *p = &s->processes[process];
	size_t room = s->category_point_count + POINTS_MAX + 1, i;
	struct category_point *points = realloc(s->category_points, room * sizeof(*points));
	int err = points ? tensors_timeline(t) : -ENOMEM;

	if (points)
		s->category_points = points;
	for (i = 0; i <= POINTS_MAX && !err; i++)
		err = add_point(c, s, process, t,
				p->start_s + (p->end_s - p->start_s) * (double)i / POINTS_MAX);
	return err;
}

static int add_use(struct snapshot *s, size_t process, const struct tensors *t)
{
	const struct tensor_facts facts = tensors_facts(t);
	struct tensor_use *uses = realloc(s->uses, (s->use_count + 1) * sizeof(*uses));

	if (!uses)
		return -ENOMEM;
	s->uses = uses;
	uses[s->use_count++] = (struct tensor_use){process, facts.iterations, facts.step_bytes,
						   facts.loaded_bytes, facts.load_end_bytes};
	return 0;
}

int tensors_fill(struct collect *c, struct snapshot *s, const struct numbers *numbers)
{
	uint32_t id;
	int err = fill_names(c, s);

	for (id = 0; id < c->tensors.room && !err; id++) {
		struct tensors *t = c->tensors.items[id];
		size_t process = id <= numbers->max_id ? numbers->by_image_id[id] : SIZE_MAX;

		if (!t || process == SIZE_MAX || !tensors_any(t))
			continue;
		err = fill_stages(s, process, t);
		if (!err)
			err = fill_categories(c, s, process, t);
		if (!err)
			err = fill_category_points(c, s, process, t);
		if (!err)
			err = add_use(s, process, t);
	}
	return err;
}

/* ---- tensors ------------------------------------------------------------------------- */

/* Blocks that differ in nothing that is shown. */
struct group {
	uint32_t image;
	uint64_t stack;
	uint16_t device;
	unsigned category;
	struct tensor_shape shape;
	uint64_t size; /* of each */
	bool told;     /* the next two are known */
	uint64_t requested;
	int64_t stream;
	uint64_t at_peak, live;
};

struct groups {
	struct group *items;
	size_t count, room;
	uint32_t image;
	const struct shapes *shapes; /* of that image */
	int err;
};

static void add_block(const struct tensor_block *block, unsigned category, bool at_peak,
		      void *context)
{
	struct groups *g = context;

	if (!g->err)
		g->err = array_reserve(&g->items, g->count, &g->room, sizeof(*g->items));
	if (g->err)
		return;
	g->items[g->count++] = (struct group){
	    .image = g->image,
	    .stack = block->before ? MS_STACK_TENSOR_BEFORE : block->stack,
	    .device = block->device,
	    .category = category,
	    .shape = block->shape.dtype != TENSOR_DTYPE_NONE
			 ? block->shape
			 : shapes_find(g->shapes, block->stack, block->size),
	    .size = block->size,
	    .told = block->told,
	    .requested = block->requested,
	    .stream = block->stream,
	    .at_peak = at_peak,
	    .live = !at_peak,
	};
}

#define COMPARE(field)                                                                             \
	if (x->field != y->field)                                                                  \
	return x->field < y->field ? -1 : 1

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int i;

	COMPARE(image);
	COMPARE(stack);
	COMPARE(device);
	COMPARE(category);
	COMPARE(size);
	COMPARE(told);
	COMPARE(requested);
	COMPARE(stream);
	COMPARE(shape.dtype);
	COMPARE(shape.ndim);
	for (i = 0; i < TENSOR_DIMS; i++)
		COMPARE(shape.dims[i]);
	return 0;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	uint64_t m = x->at_peak * x->size, n = y->at_peak * y->size;

	if (m != n)
		return m < n ? 1 : -1;
	return compare_groups(a, b);
}

static void merge_groups(struct groups *g)
{
	size_t i, kept = 0;

	if (!g->count)
		return;
	qsort(g->items, g->count, sizeof(*g->items), compare_groups);
	for (i = 1; i < g->count; i++) {
		if (compare_groups(&g->items[kept], &g->items[i])) {
			g->items[++kept] = g->items[i];
			continue;
		}
		g->items[kept].at_peak += g->items[i].at_peak;
		g->items[kept].live += g->items[i].live;
	}
	g->count = kept + 1;
	qsort(g->items, g->count, sizeof(*g->items), compare_bytes);
}

static const char *keep(struct collect *c, const char *text)
{
	return intern_text(c->tensors.memory, text, strlen(text));
}

static int fill_tensor(struct collect *c, struct stack *stack, const struct group *g,
		       size_t process)
{
	char shape[256], device[32];

	*stack = (struct stack){
	    .process = process,
	    .layer = LAYER_TENSOR,
	    .device = keep(c, tensor_device_text(g->device, device, sizeof(device))),
	    .category = category_name(c, g->category),
	    .shape = keep(c, tensor_shape_text(&g->shape, shape, sizeof(shape))),
	    .live = g->live,
	    .live_bytes = g->live * g->size,
	    .at_peak = g->at_peak,
	    .peak_bytes = g->at_peak * g->size,
	    .block_bytes = g->size,
	    .requested_bytes = g->requested,
	    .stream = g->stream,
	    .told = g->told,
	};
	return stack->device && stack->shape ? 0 : -ENOMEM;
}

static void collect_groups(const struct collect *c, struct groups *groups,
			   const struct numbers *numbers)
{
	uint32_t id;

	for (id = 0; id < c->tensors.room && id <= numbers->max_id; id++) {
		const struct tensors *t = c->tensors.items[id];

		if (!t || numbers->by_image_id[id] == SIZE_MAX)
			continue;
		groups->image = id;
		groups->shapes = tensors_shapes(t);
		tensors_each(t, add_block, groups);
	}
	merge_groups(groups);
	if (groups->count > TENSORS_MAX)
		groups->count = TENSORS_MAX;
}

static size_t count_leaks(const struct collect *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->tensors.room; i++)
		if (c->tensors.items[i])
			n += tensors_leaks(c->tensors.items[i])->count;
	return n;
}

static void fill_leaks(struct snapshot *s, const struct leaks *leaks, size_t process,
		       uint32_t image, struct stack_list *list)
{
	size_t i;

	for (i = 0; i < leaks->count; i++) {
		const struct leak *leak = &leaks->items[i];

		list->keys[s->leak_count] = (struct ms_stack_key){
		    .id = image, .layer = MS_LAYER_TENSOR, .hash = leak->stack};
		s->leaks[s->leak_count] =
		    (struct tensor_leak){leak->since, leak->iterations, leak->blocks, leak->bytes};
		s->leak_stacks[s->leak_count++] = (struct stack){.process = process,
								 .layer = LAYER_TENSOR,
								 .live = leak->blocks,
								 .live_bytes = leak->bytes};
	}
}

static int leaks_list(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		      struct stack_list *lists, size_t *list_count)
{
	struct stack_list *list = &lists[*list_count];
	size_t room = count_leaks(c) + 1;
	uint32_t id;

	s->leaks = calloc(room, sizeof(*s->leaks));
	s->leak_stacks = calloc(room, sizeof(*s->leak_stacks));
	*list = (struct stack_list){.stacks = s->leak_stacks,
				    .keys = calloc(room, sizeof(*list->keys)),
				    .count = &s->leak_count,
				    .apart = true};
	++*list_count;
	if (!s->leaks || !s->leak_stacks || !list->keys)
		return -ENOMEM;
	for (id = 0; id < c->tensors.room && id <= numbers->max_id; id++)
		if (c->tensors.items[id] && numbers->by_image_id[id] != SIZE_MAX)
			fill_leaks(s, tensors_leaks(c->tensors.items[id]), numbers->by_image_id[id],
				   id, list);
	return 0;
}

int tensors_lists(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		  struct stack_list *lists, size_t *list_count)
{
	struct stack_list *list = &lists[*list_count];
	struct groups groups = {0};
	size_t i;
	int err;

	collect_groups(c, &groups, numbers);
	s->tensors = calloc(groups.count + 1, sizeof(*s->tensors));
	*list = (struct stack_list){.stacks = s->tensors,
				    .keys = calloc(groups.count + 1, sizeof(*list->keys)),
				    .count = &s->tensor_count,
				    .apart = true};
	++*list_count;
	err = s->tensors && list->keys ? groups.err : -ENOMEM;
	for (i = 0; i < groups.count && !err; i++) {
		const struct group *g = &groups.items[i];

		list->keys[s->tensor_count] = (struct ms_stack_key){
		    .id = g->image, .layer = MS_LAYER_TENSOR, .hash = g->stack};
		err = fill_tensor(c, &s->tensors[s->tensor_count++], g,
				  numbers->by_image_id[g->image]);
	}
	free(groups.items);
	return err ? err : leaks_list(c, s, numbers, lists, list_count);
}
