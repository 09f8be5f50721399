/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks merged into one tree.  Each different frame gets its rank in order of
 * name; stacks sorted as words over these ranks then have common callers side
 * by side, and one pass over them lays out the nodes in the order of drawing.
 */
#include "render/frametree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/frameset.h"

/* What is in flight is a word of one letter that sorts behind all frames. */
#define IN_FLIGHT UINT32_MAX

/* A stack as a word, or what is in flight in a process's layer. */
struct entry {
	size_t process;
	enum layer layer;
	const struct stack *stack; /* NULL: in flight */
	uint32_t *letters;
	size_t length;
	uint64_t value, allocs;
};

struct builder {
	struct frametree *tree;
	const struct snapshot *s;
	struct frameset frames;
	uint32_t *letters; /* of all stacks, one behind the other */
	struct entry *entries;
	size_t entry_count;
	size_t deepest;
	uint32_t *path; /* nodes of the entry before, by depth */
};

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

unsigned frametree_layers(const struct snapshot *s, enum metric metric, unsigned wanted)
{
	unsigned layers = 0;

	for (size_t i = 0; i < s->stack_count; i++)
		if (snapshot_metric(&s->stacks[i], metric))
			layers |= 1u << s->stacks[i].layer;
	for (size_t i = 0; metric == METRIC_PEAK && i < s->process_count; i++)
		for (int layer = 0; layer < LAYER_NR; layer++)
			if (s->processes[i].layers[layer].in_flight_bytes > 0)
				layers |= 1u << layer;
	return wanted ? layers & wanted : layers;
}

/* ---- words ------------------------------------------------------------------- */

static int compare_frames(const void *a, const void *b, void *context)
{
	const struct frame *const *frames = context;
	const struct frame *f = frames[*(const uint32_t *)a], *g = frames[*(const uint32_t *)b];
	int order = frameset_compare_text(f->function, g->function);

	if (!order)
		order = frameset_compare_text(f->module, g->module);
	if (!order)
		order = frameset_compare_text(f->file, g->file);
	if (!order)
		order = (int)f->kind - (int)g->kind;
	return order ? order : (int)f->inlined - (int)g->inlined;
}

/* Numbers of frames become their ranks in order of name. */
static int rank_letters(struct builder *b, size_t count)
{
	uint32_t n = b->frames.count;
	uint32_t *order = calloc(n + 1, sizeof(*order)), *ranks = calloc(n + 1, sizeof(*ranks));
	int error = order && ranks ? 0 : -ENOMEM;

	if (!error) {
		for (uint32_t i = 0; i < n; i++)
			order[i] = i;
		qsort_r(order, n, sizeof(*order), compare_frames, b->frames.frames);
		for (uint32_t i = 0; i < n; i++)
			ranks[order[i]] = i;
		for (size_t i = 0; i < count; i++)
			b->letters[i] = ranks[b->letters[i]];
	}
	free(order);
	free(ranks);
	return error;
}

static int add_stack(struct builder *b, const struct stack *stack, uint64_t value, size_t at)
{
	b->entries[b->entry_count++] = (struct entry){
	    .process = stack->process,
	    .layer = stack->layer,
	    .stack = stack,
	    .letters = b->letters + at,
	    .length = stack->frame_count,
	    .value = value,
	    .allocs = stack->allocs,
	};
	for (size_t i = 0; i < stack->frame_count; i++) {
		b->letters[at + i] = frameset_add(&b->frames, &stack->frames[i]);
		if (b->letters[at + i] == FRAMESET_NONE)
			return -ENOMEM;
	}
	return 0;
}

static void add_in_flight(struct builder *b)
{
	static uint32_t letter = IN_FLIGHT;

	for (size_t i = 0; i < b->s->process_count; i++)
		for (int layer = 0; layer < LAYER_NR; layer++)
			if (b->tree->layers >> layer & 1 &&
			    b->s->processes[i].layers[layer].in_flight_bytes > 0)
				b->entries[b->entry_count++] = (struct entry){
				    .process = i,
				    .layer = (enum layer)layer,
				    .letters = &letter,
				    .length = 1,
				    .value = b->s->processes[i].layers[layer].in_flight_bytes,
				};
}

/* Every stack that has a value, as a word; 0 or -ENOMEM. */
static int spell(struct builder *b, enum metric metric)
{
	const struct snapshot *s = b->s;
	size_t letters = 0;
	int error = 0;

	for (size_t i = 0; i < s->stack_count; i++)
		letters += s->stacks[i].frame_count;
	b->letters = calloc(letters + 1, sizeof(*b->letters));
	b->entries = calloc(s->stack_count + s->process_count * LAYER_NR + 1, sizeof(*b->entries));
	if (!b->letters || !b->entries)
		return -ENOMEM;
	letters = 0;
	for (size_t i = 0; i < s->stack_count && !error; i++) {
		const struct stack *stack = &s->stacks[i];
		uint64_t value = snapshot_metric(stack, metric);

		if (!value || stack->process >= s->process_count ||
		    !(b->tree->layers >> stack->layer & 1))
			continue;
		error = add_stack(b, stack, value, letters);
		letters += stack->frame_count;
		if (stack->frame_count > b->deepest)
			b->deepest = stack->frame_count;
	}
	if (!error)
		error = rank_letters(b, letters);
	if (!error && metric == METRIC_PEAK)
		add_in_flight(b);
	return error;
}

static int compare_entries(const void *a, const void *b, void *context)
{
	const struct frametree *tree = context;
	const struct entry *x = a, *y = b;

	if (tree->by_process && x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	for (size_t i = 0; i < x->length && i < y->length; i++)
		if (x->letters[i] != y->letters[i])
			return x->letters[i] < y->letters[i] ? -1 : 1;
	return x->length < y->length ? -1 : x->length > y->length;
}

/* ---- nodes ---------------------------------------------------------------------- */

/* Makes the node at `depth` of the path to `entry`; its parent is in the path. */
static void begin_node(struct builder *b, const struct entry *entry, uint32_t depth)
{
	const struct frametree *tree = b->tree;
	uint32_t frames_from = 1 + tree->by_process + tree->by_layer;
	uint32_t index = (uint32_t)b->tree->count++, up = depth ? b->path[depth - 1] : 0;
	const struct tree_node *parent = &tree->nodes[up];
	struct tree_node *node = &b->tree->nodes[index];

	*node = (struct tree_node){
	    .parent = up,
	    .depth = depth,
	    .base = depth ? parent->base : 0,
	    .layer = entry->layer,
	    .start = depth ? parent->start + parent->children : 0,
	};
	if (depth >= frames_from) {
		node->kind = entry->stack ? NODE_FRAME : NODE_IN_FLIGHT;
		if (entry->stack)
			node->frame = &entry->stack->frames[depth - frames_from];
	} else if (depth == 1 && tree->by_process) {
		node->kind = NODE_PROCESS;
		node->process = entry->process;
	} else if (depth) {
		node->kind = NODE_LAYER;
		node->base = index;
	}
	b->path[depth] = index;
}

/* Levels that the paths to two entries, sorted, have in common; the root is one. */
static size_t common_levels(const struct frametree *tree, const struct entry *a,
			    const struct entry *b)
{
	size_t levels = 1, i = 0;

	if (tree->by_process && a->process != b->process)
		return levels;
	levels += tree->by_process;
	if (tree->by_layer && a->layer != b->layer)
		return levels;
	levels += tree->by_layer;
	while (i < a->length && i < b->length && a->letters[i] == b->letters[i])
		i++;
	return levels + i;
}

static void count_in(struct builder *b, const struct entry *entry, size_t depth, size_t frames_from)
{
	struct tree_node *node = &b->tree->nodes[b->path[depth]];
	unsigned line;

	node->value = add(node->value, entry->value);
	node->allocs = add(node->allocs, entry->allocs);
	if (depth)
		b->tree->nodes[node->parent].children =
		    add(b->tree->nodes[node->parent].children, entry->value);
	if (node->kind != NODE_FRAME)
		return;
	line = entry->stack->frames[depth - frames_from].line;
	if (line && (!node->line_first || line < node->line_first))
		node->line_first = line;
	if (line > node->line_last)
		node->line_last = line;
}

/* Nodes that there will be, for one allocation of the right size. */
static size_t count_nodes(const struct builder *b, size_t frames_from)
{
	size_t count = 1 + frames_from;

	for (size_t i = 0; i < b->entry_count; i++) {
		const struct entry *entry = &b->entries[i];

		count += frames_from + entry->length;
		if (i)
			count -= common_levels(b->tree, entry - 1, entry);
	}
	return count;
}

static int merge(struct builder *b)
{
	struct frametree *tree = b->tree;
	size_t frames_from = 1 + tree->by_process + tree->by_layer, limit;

	limit = count_nodes(b, frames_from);
	tree->nodes = calloc(limit, sizeof(*tree->nodes));
	b->path = calloc(b->deepest + frames_from + 2, sizeof(*b->path));
	if (!tree->nodes || !b->path || limit > UINT32_MAX)
		return -ENOMEM;
	for (size_t i = 0; i < b->entry_count; i++) {
		const struct entry *entry = &b->entries[i];
		size_t known = i ? common_levels(tree, entry - 1, entry) : 0;

		for (size_t depth = known; depth < frames_from + entry->length; depth++)
			begin_node(b, entry, (uint32_t)depth);
		for (size_t depth = 0; depth < frames_from + entry->length; depth++)
			count_in(b, entry, depth, frames_from);
	}
	/* without any entry the root, zeroed, is all there is */
	if (!tree->count)
		tree->count = 1;
	return 0;
}

int frametree_build(struct frametree *tree, const struct snapshot *s, enum metric metric,
		    unsigned wanted)
{
	struct builder b = {.tree = tree, .s = s};
	int error;

	memset(tree, 0, sizeof(*tree));
	tree->by_process = s->process_count > 1;
	tree->layers = frametree_layers(s, metric, wanted);
	tree->by_layer = tree->layers & (tree->layers - 1);
	error = frameset_init(&b.frames, false);
	if (!error)
		error = spell(&b, metric);
	if (!error) {
		qsort_r(b.entries, b.entry_count, sizeof(*b.entries), compare_entries, tree);
		error = merge(&b);
	}
	frameset_free(&b.frames);
	free(b.letters);
	free(b.entries);
	free(b.path);
	return error;
}

void frametree_free(struct frametree *tree)
{
	free(tree->nodes);
	memset(tree, 0, sizeof(*tree));
}
