/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks merged into one tree.  An edge (parent, what is called) is looked up
 * in a hash table, so that the work is one step a frame, however wide a level
 * is; the order of siblings is by name, never by hash.
 */
#include "render/frametree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/frameset.h"

/* What an edge leads to: a number of the frame set, or one of these. */
#define TO_PROCESS (1ULL << 40)
#define TO_LAYER (2ULL << 40)
#define TO_IN_FLIGHT (3ULL << 40)

#define NO_NODE UINT32_MAX

struct builder {
	struct frametree *tree;
	const struct snapshot *s;
	struct frameset frames;
	uint32_t capacity;
	uint64_t *keys;  /* by node: what its edge leads to */
	uint32_t *slots; /* nodes by (parent, key), at most half full */
	uint32_t slot_count;
};

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

unsigned frametree_layers(const struct snapshot *s, enum metric metric)
{
	unsigned layers = 0;

	for (size_t i = 0; i < s->stack_count; i++)
		if (snapshot_metric(&s->stacks[i], metric))
			layers |= 1u << s->stacks[i].layer;
	for (size_t i = 0; metric == METRIC_PEAK && i < s->process_count; i++)
		for (int layer = 0; layer < LAYER_NR; layer++)
			if (s->processes[i].layers[layer].in_flight_bytes)
				layers |= 1u << layer;
	return layers;
}

/* ---- nodes and edges ----------------------------------------------------- */

static uint32_t edge_slot(const struct builder *b, uint32_t parent, uint64_t key)
{
	return (uint32_t)hash_mix(hash_mix(b->frames.seed, parent), key) & (b->slot_count - 1);
}

static int grow(struct builder *b)
{
	uint32_t capacity = b->capacity * 2, slot_count = capacity * 2;
	struct tree_node *nodes;
	uint64_t *keys;
	uint32_t *slots;

	if (capacity > UINT32_MAX / 4)
		return -ENOMEM;
	nodes = reallocarray(b->tree->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	b->tree->nodes = nodes;
	keys = reallocarray(b->keys, capacity, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	b->keys = keys;
	slots = malloc(slot_count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots, 0xff, slot_count * sizeof(*slots));
	free(b->slots);
	b->slots = slots;
	b->slot_count = slot_count;
	b->capacity = capacity;
	for (uint32_t i = 1; i < b->tree->count; i++) {
		uint32_t slot = edge_slot(b, nodes[i].parent, keys[i]);

		while (slots[slot] != NO_NODE)
			slot = (slot + 1) & (slot_count - 1);
		slots[slot] = i;
	}
	return 0;
}

/* The child of `parent` that `key` leads to, made if there is none yet. */
static uint32_t child_of(struct builder *b, uint32_t parent, uint64_t key, enum node_kind kind)
{
	const struct tree_node *above;
	struct tree_node *node;
	uint32_t slot, index;

	if (b->tree->count == b->capacity && grow(b))
		return NO_NODE;
	slot = edge_slot(b, parent, key);
	while ((index = b->slots[slot]) != NO_NODE) {
		if (b->keys[index] == key && b->tree->nodes[index].parent == parent)
			return index;
		slot = (slot + 1) & (b->slot_count - 1);
	}
	index = b->tree->count++;
	b->slots[slot] = index;
	b->keys[index] = key;
	above = &b->tree->nodes[parent];
	node = &b->tree->nodes[index];
	*node = (struct tree_node){
	    .kind = kind,
	    .parent = parent,
	    .depth = above->depth + 1,
	    .base = above->base,
	    .process = above->process,
	    .layer = above->layer,
	};
	return index;
}

static void count_in(struct builder *b, uint32_t index, uint64_t value, uint64_t allocs)
{
	struct tree_node *node = &b->tree->nodes[index];

	node->value = add(node->value, value);
	node->allocs = add(node->allocs, allocs);
}

/* Root, process, layer: the levels above the frames, counted; NO_NODE without memory. */
static uint32_t enter(struct builder *b, size_t process, enum layer layer, uint64_t value,
		      uint64_t allocs)
{
	uint32_t node = 0;

	count_in(b, node, value, allocs);
	if (b->tree->by_process) {
		node = child_of(b, node, TO_PROCESS | process, NODE_PROCESS);
		if (node == NO_NODE)
			return node;
		b->tree->nodes[node].process = process;
		count_in(b, node, value, allocs);
	}
	if (b->tree->by_layer) {
		node = child_of(b, node, TO_LAYER | layer, NODE_LAYER);
		if (node == NO_NODE)
			return node;
		b->tree->nodes[node].layer = layer;
		b->tree->nodes[node].base = node;
		count_in(b, node, value, allocs);
	}
	return node;
}

static int add_stack(struct builder *b, const struct stack *stack, uint64_t value)
{
	uint32_t node = enter(b, stack->process, stack->layer, value, stack->allocs);

	for (size_t i = 0; i < stack->frame_count; i++) {
		const struct frame *frame = &stack->frames[i];
		uint32_t number = frameset_add(&b->frames, frame);
		struct tree_node *n;

		if (node == NO_NODE || number == FRAMESET_NONE)
			return -ENOMEM;
		node = child_of(b, node, number, NODE_FRAME);
		if (node == NO_NODE)
			return -ENOMEM;
		n = &b->tree->nodes[node];
		n->frame = b->frames.frames[number];
		if (frame->line && (!n->line_first || frame->line < n->line_first))
			n->line_first = frame->line;
		if (frame->line > n->line_last)
			n->line_last = frame->line;
		count_in(b, node, value, stack->allocs);
	}
	return node == NO_NODE ? -ENOMEM : 0;
}

static int add_in_flight(struct builder *b, size_t process)
{
	for (int layer = 0; layer < LAYER_NR; layer++) {
		uint64_t bytes = b->s->processes[process].layers[layer].in_flight_bytes;
		uint32_t node;

		if (!bytes)
			continue;
		node = enter(b, process, (enum layer)layer, bytes, 0);
		if (node != NO_NODE)
			node = child_of(b, node, TO_IN_FLIGHT, NODE_IN_FLIGHT);
		if (node == NO_NODE)
			return -ENOMEM;
		count_in(b, node, bytes, 0);
	}
	return 0;
}

/* ---- the order of siblings ----------------------------------------------- */

static int compare_nodes(const struct tree_node *a, const struct tree_node *b)
{
	const struct frame *f = a->frame, *g = b->frame;
	int order;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == NODE_PROCESS)
		return a->process < b->process ? -1 : 1;
	if (a->kind != NODE_FRAME)
		return (int)a->layer - (int)b->layer;
	order = frameset_compare_text(f->function, g->function);
	if (!order)
		order = frameset_compare_text(f->module, g->module);
	if (!order)
		order = frameset_compare_text(f->file, g->file);
	if (!order)
		order = (int)f->kind - (int)g->kind;
	return order ? order : (int)f->inlined - (int)g->inlined;
}

static int compare_indices(const void *a, const void *b, void *nodes)
{
	const struct tree_node *n = nodes;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x == y ? 0 : compare_nodes(&n[x], &n[y]);
}

static int arrange(struct frametree *tree)
{
	struct tree_node *nodes = tree->nodes;
	uint64_t next;

	tree->order = calloc(tree->count, sizeof(*tree->order));
	if (!tree->order)
		return -ENOMEM;
	for (uint32_t i = 1; i < tree->count; i++)
		tree->order[i] = i;
	/* the root stays first: it is nobody's child */
	qsort_r(tree->order + 1, tree->count - 1, sizeof(*tree->order), compare_indices, nodes);
	for (uint32_t i = 1; i < tree->count; i++) {
		struct tree_node *parent = &nodes[nodes[tree->order[i]].parent];

		if (!parent->child_count++)
			parent->children = i;
	}
	/* parents come before their children in order of index */
	for (uint32_t i = 0; i < tree->count; i++) {
		next = nodes[i].start;
		for (uint32_t c = 0; c < nodes[i].child_count; c++) {
			struct tree_node *child = &nodes[tree->order[nodes[i].children + c]];

			child->start = next;
			next = add(next, child->value);
		}
	}
	return 0;
}

int frametree_build(struct frametree *tree, const struct snapshot *s, enum metric metric)
{
	struct builder b = {.tree = tree, .s = s, .capacity = 512};
	int error;

	memset(tree, 0, sizeof(*tree));
	tree->by_process = s->process_count > 1;
	tree->layers = frametree_layers(s, metric);
	tree->by_layer = tree->layers & (tree->layers - 1);
	error = frameset_init(&b.frames, false);
	if (!error)
		error = grow(&b);
	if (error)
		goto out;
	tree->count = 1;
	tree->nodes[0] = (struct tree_node){
	    .process = tree->by_process ? SIZE_MAX : 0,
	    .layer = (enum layer)(tree->layers ? __builtin_ctz(tree->layers) : 0),
	};
	for (size_t i = 0; i < s->stack_count && !error; i++) {
		uint64_t value = snapshot_metric(&s->stacks[i], metric);

		if (value && s->stacks[i].process < s->process_count)
			error = add_stack(&b, &s->stacks[i], value);
	}
	for (size_t i = 0; metric == METRIC_PEAK && i < s->process_count && !error; i++)
		error = add_in_flight(&b, i);
	if (!error)
		error = arrange(tree);
out:
	frameset_free(&b.frames);
	free(b.keys);
	free(b.slots);
	return error;
}

void frametree_free(struct frametree *tree)
{
	free(tree->nodes);
	free(tree->order);
	memset(tree, 0, sizeof(*tree));
}
