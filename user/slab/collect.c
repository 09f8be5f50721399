/* SPDX-License-Identifier: GPL-2.0 */
/* Fills snapshots of kernel memory. */
#include "slab/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "collect/pieces.h"
#include "collect/timeline.h"
#include "peak.h"
#include "slab/frames.h"

struct slab_collect {
	const struct slab *slab;
	struct slab_frames *frames;
	uint64_t start_ns;
	uint64_t slabs_at_start; /* bytes, of all slabs; 0: not known */
	struct timeline timeline;
	struct deltas deltas;
};

static const enum layer layers[SLAB_LAYER_NR] = {
    [SLAB_OBJECTS] = LAYER_SLAB,
    [SLAB_PAGES] = LAYER_PAGES,
};

/* "Slab:" of /proc/meminfo in bytes, 0 if it is not there. */
static uint64_t slabs_now(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %" SCNu64, &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

struct slab_collect *slab_collect_new(const struct slab *slab, const struct kallsyms *symbols)
{
	struct slab_collect *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->slab = slab;
	c->frames = slab_frames_new(slab, symbols);
	if (!c->frames) {
		free(c);
		return NULL;
	}
	c->start_ns = clock_ns();
	c->slabs_at_start = slabs_now();
	return c;
}

void slab_collect_free(struct slab_collect *c)
{
	if (!c)
		return;
	timeline_free(&c->timeline);
	deltas_free(&c->deltas);
	slab_frames_free(c->frames);
	free(c);
}

static double seconds(const struct slab_collect *c)
{
	return (clock_ns() - c->start_ns) / 1e9;
}

void slab_collect_tick(struct slab_collect *c)
{
	struct point point = {.t_s = seconds(c)};
	struct ms_totals totals[SLAB_LAYER_NR];
	int i;

	if (!timeline_begin(&c->timeline) || slab_layers(c->slab, totals))
		return;
	for (i = 0; i < SLAB_LAYER_NR; i++)
		if (totals[i].live_bytes > 0)
			point.layer_bytes[layers[i]] = totals[i].live_bytes;
	timeline_add(&c->timeline, &point);
}

/* ---- stacks --------------------------------------------------------------- */

/* What one snapshot is made of. */
struct source {
	struct ms_totals layers[SLAB_LAYER_NR];
	struct kernel_total *totals;
	size_t count;
	struct pieces pieces;
};

/* Stacks of a layer with the same texts read the same: call sites in one function. */
static void read_as(const struct stack *stack, uint64_t key[2])
{
	size_t i;

	key[0] = stack->layer;
	key[1] = stack->frame_count;
	for (i = 0; i < stack->frame_count; i++) {
		uint64_t function = (uint64_t)(uintptr_t)stack->frames[i].function;
		uint64_t module = (uint64_t)(uintptr_t)stack->frames[i].module;

		key[0] = (key[0] ^ function) * 0x9e3779b97f4a7c15ULL;
		key[0] ^= key[0] >> 29;
		key[1] = (key[1] + function + (module << 1)) * 0xff51afd7ed558ccdULL;
		key[1] ^= key[1] >> 33;
	}
}

static int name_stack(struct slab_collect *c, const struct ms_stack *kept, bool is_kept,
		      struct stack *stack)
{
	struct frame frames[MS_STACK_DEPTH + 1], note = {.kind = FRAME_NOTE};
	size_t count = is_kept ? slab_frames_name(c->frames, kept, frames) : 0;
	bool cut = is_kept && kept->end != MS_END_ROOT;

	if (is_kept && !count)
		return -ENOMEM;
	stack->end = !is_kept ? "table_full" : cut ? "truncated" : "root";
	stack->end_text = !is_kept ? "[no stack]" : cut ? "deeper than the limit of frames" : NULL;
	stack->frames = calloc(count + 1, sizeof(*stack->frames));
	if (!stack->frames)
		return -ENOMEM;
	note.function =
	    is_kept ? "[unwinding stopped: deeper than the limit of frames]" : "[no stack]";
	if (!is_kept || cut)
		stack->frames[stack->frame_count++] = note;
	memcpy(stack->frames + stack->frame_count, frames, count * sizeof(*frames));
	stack->frame_count += count;
	return 0;
}

/* Adds the stack to one that reads the same, or to the end; its frames are the snapshot's. */
static int add_stack(struct snapshot *s, struct stack *stack, struct pair_map *known)
{
	uint64_t key[2];
	size_t at;

	read_as(stack, key);
	at = (size_t)(uintptr_t)pair_map_find(known, key[0], key[1]);
	if (at) {
		totals_add(&s->stacks[at - 1], stack);
		free(stack->frames);
		return 0;
	}
	s->stacks[s->stack_count++] = *stack;
	return pair_map_add(known, key[0], key[1], (void *)(uintptr_t)s->stack_count);
}

static int fill_stack(struct slab_collect *c, struct snapshot *s, const struct source *source,
		      const struct kernel_total *total, bool shown, struct pair_map *known)
{
	enum slab_layer number = (enum slab_layer)total->key.layer;
	struct layer_totals *layer = &s->processes[0].layers[layers[number]];
	int64_t share = peak_share(&source->layers[number], &total->value);
	int64_t part = share > 0 ? share : 0;
	uint64_t takes;
	bool is_kept = total->key.hash != MS_STACK_OTHER;
	struct ms_stack kept = {0};
	struct stack stack;
	int err;

	if (is_kept && pieces_stack(&source->pieces, NULL, total->key.hash, &kept))
		is_kept = false; /* it came while we read */
	totals_fill(&stack, total, share, deltas_of(&c->deltas, total));
	takes = slab_frames_block(c->frames, &kept) * stack.live;
	stack.layer = layers[number];
	stack.rounding_bytes = takes > stack.live_bytes ? takes - stack.live_bytes : 0;
	layer->rounding_bytes += stack.rounding_bytes;
	layer->in_flight_bytes -= part;
	if (!shown)
		return 0;
	err = name_stack(c, &kept, is_kept, &stack);
	return err ? err : add_stack(s, &stack, known);
}

static int fill_stacks(struct slab_collect *c, struct snapshot *s, struct source *source,
		       size_t top)
{
	struct pair_map known = {0};
	size_t i;
	int err = 0;

	s->stacks = calloc(source->count + 1, sizeof(*s->stacks));
	if (!s->stacks)
		return -ENOMEM;
	totals_sort(source->totals, source->count);
	for (i = 0; i < source->count && !err; i++) {
		const struct kernel_total *total = &source->totals[i];

		if (total->key.layer < SLAB_LAYER_NR && total->value.allocs)
			err = fill_stack(c, s, source, total, !top || s->stack_count < top, &known);
	}
	deltas_remember(&c->deltas, source->totals, source->count);
	pair_map_free(&known);
	return err;
}

/* ---- the rest --------------------------------------------------------------- */

static int fill_process(const struct slab_collect *c, struct snapshot *s,
			const struct source *source)
{
	int i;

	s->processes = calloc(1, sizeof(*s->processes));
	if (!s->processes)
		return -ENOMEM;
	s->process_count = 1;
	s->processes[0].end_s = s->duration_s;
	s->processes[0].comm = strdup("kernel");
	for (i = 0; i < SLAB_LAYER_NR; i++) {
		s->layer_on[layers[i]] = true;
		totals_layer(&s->processes[0].layers[layers[i]], &source->layers[i], c->start_ns);
	}
	return s->processes[0].comm ? 0 : -ENOMEM;
}

static int fill_points(const struct slab_collect *c, struct snapshot *s)
{
	s->points = calloc(c->timeline.count + 1, sizeof(*s->points));
	if (!s->points)
		return -ENOMEM;
	s->point_count = c->timeline.count;
	if (s->point_count)
		memcpy(s->points, c->timeline.points, s->point_count * sizeof(*s->points));
	return 0;
}

static int fill_losses(const struct slab_collect *c, struct snapshot *s)
{
	size_t i;

	if (totals_losses(s))
		return -ENOMEM;
	for (i = 0; i < s->loss_count; i++)
		s->losses[i].count = slab_loss(c->slab, (enum ms_loss)i);
	return 0;
}

/* What was there before, and what no tracepoint tells. */
static int fill_notes(const struct slab_collect *c, struct snapshot *s)
{
	char before[HUMAN_LEN], now[HUMAN_LEN];
	int n = 0;

	s->notes = calloc(2, sizeof(*s->notes));
	if (!s->notes)
		return -ENOMEM;
	if (c->slabs_at_start) {
		n = asprintf(&s->notes[s->note_count],
			     "all slabs took %s when tracing began and take %s now "
			     "(/proc/meminfo, Slab): what was there before is in no stack",
			     text_bytes(before, c->slabs_at_start), text_bytes(now, slabs_now()));
		s->note_count += n >= 0;
	}
	if (n >= 0 && !slab_sees_bulk(c->slab)) {
		n = asprintf(&s->notes[s->note_count],
			     "this kernel's functions cannot be traced, and objects freed in bulk, "
			     "as kfree_rcu() does, pass no tracepoint: they count as held until "
			     "their address is handed out again");
		s->note_count += n >= 0;
	}
	return n < 0 ? -ENOMEM : 0;
}

int slab_collect_snapshot(struct slab_collect *c, size_t top, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct source source = {0};
	int err = s ? slab_layers(c->slab, source.layers) : -ENOMEM;

	if (!err) {
		s->title = strdup("kernel memory");
		s->duration_s = seconds(c);
		err = s->title ? slab_totals(c->slab, &source.totals, &source.count) : -ENOMEM;
	}
	/* Read after the totals: the pieces of what is in them are all there. */
	if (!err)
		err = pieces_read(slab_pieces(c->slab), &source.pieces);
	if (!err)
		err = fill_process(c, s, &source);
	if (!err)
		err = fill_stacks(c, s, &source, top);
	if (!err)
		err = fill_points(c, s);
	if (!err)
		err = fill_losses(c, s);
	if (!err)
		err = fill_notes(c, s);
	pieces_free(&source.pieces);
	free(source.totals);
	if (err)
		snapshot_free(s);
	else
		*out = s;
	return err;
}
