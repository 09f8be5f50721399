/* SPDX-License-Identifier: GPL-2.0 */
/* Fills snapshots. */
#include "collect/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/fill.h"
#include "target/process.h"

struct collect *collect_new(struct kernel *kernel, struct target *target,
			    const struct probe_table *table, struct symbols *symbols,
			    const struct kernel_options *limits, const struct own_rules *rules)
{
	struct collect *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->kernel = kernel;
	c->target = target;
	c->source = (struct frames_source){.kernel = kernel,
					   .modules = target_modules(target),
					   .table = table,
					   .codes = target_codes(target),
					   .symbols = symbols,
					   .jit = jit_new(symbols)};
	if (!c->source.jit || gpus_init(&c->gpus)) {
		jit_free(c->source.jit);
		free(c);
		return NULL;
	}
	c->limits = *limits;
	spaces_init(&c->spaces, target, kernel);
	limits_init(&c->limits_hit);
	c->start_ns = clock_ns();
	if (image_tensors_init(&c->tensors, c->start_ns, rules)) {
		collect_free(c);
		return NULL;
	}
	return c;
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	timeline_free(&c->timeline);
	kept_free(&c->kept);
	spaces_free(&c->spaces);
	drivers_free(&c->drivers);
	gpus_free(&c->gpus);
	growth_free(&c->growth);
	ooms_free(&c->ooms);
	failures_free(&c->failures);
	limits_free(&c->limits_hit);
	image_tensors_free(&c->tensors);
	roots_free(&c->roots);
	jit_free(c->source.jit);
	deltas_free(&c->deltas);
	free(c);
}

double collect_seconds(const struct collect *c)
{
	return clock_seconds(c->start_ns, clock_ns());
}

/*
 * Ended images are moved out of the kernel's tables when they hold a quarter of
 * one: not sooner, because it takes a walk over all of them.
 */
void collect_make_room(struct collect *c)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images), ended = 0, blocks = 0;
	struct ms_image totals;

	for (i = 0; i < n; i++) {
		const struct ms_totals *heap = &totals.layer[MS_LAYER_HEAP];

		if (!images[i]->end_ns || kept_find(&c->kept, images[i]->id) ||
		    kernel_image(c->kernel, images[i]->id, &totals))
			continue;
		ended++;
		blocks += heap->allocs - heap->frees;
	}
	if (ended >= c->limits.max_procs / 4 || blocks >= c->limits.max_blocks / 4)
		kept_move(&c->kept, c->kernel, c->target);
}

static struct memory memory_of(const struct process_memory *m)
{
	return (struct memory){m->anon_bytes, m->file_bytes,       m->shmem_bytes,
			       m->swap_bytes, m->page_table_bytes, m->mapped_bytes};
}

void collect_tick(struct collect *c)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images);
	bool kept = timeline_begin(&c->timeline);
	double now = collect_seconds(c);

	image_tensors_tick(&c->tensors, c->target, now);
	image_tensors_names(&c->tensors, &c->source, false);
	for (; c->rooted < n; c->rooted++)
		roots_add(&c->roots, c->source.symbols, images[c->rooted]->pid);

	for (i = 0; i < n; i++) {
		struct process_memory memory;
		struct point point = {.t_s = now, .process = i};
		struct ms_image totals;
		int layer;

		if (images[i]->end_ns || !images[i]->ready_ns ||
		    process_memory(images[i]->pid, &memory))
			continue;
		images[i]->memory = memory;
		watch_tick(c, images[i]);
		if (!kept || watch_totals(c, images[i]->id, &totals))
			continue;
		point.rss_bytes = memory.rss_bytes;
		point.rss_high_bytes = watch_rss_high(c, images[i]);
		point.memory = memory_of(&memory);
		for (layer = 0; layer < MS_LAYER_NR; layer++)
			if (totals.layer[layer].live_bytes > 0)
				point.layer_bytes[layer] = totals.layer[layer].live_bytes;
		timeline_add(&c->timeline, &point);
	}
	/* After what it goes by has been read. */
	target_tick(c->target);
	if (kept)
		kernel_rss_tick(c->kernel);
	drivers_tick(&c->drivers, &c->gpus, c->target);
	shortage_tick(c);
}

void collect_tensor(struct collect *c, const struct ms_tensor_event *event)
{
	if (image_tensors_event(&c->tensors, c->kernel, c->target, event))
		kernel_loss_add(c->kernel, MS_LOSS_tensor_events, 1);
}

/* ---- processes ---------------------------------------------------------- */

/* What the launched child was before it became the command, and children that
 * became something else before their probes were in, are not worth a line. */
static bool image_counts(const struct image *image)
{
	return image->ready_ns || (image->end_ns && !image->execed);
}

static char *copy_text(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static int exit_code_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static int fill_process(const struct collect *c, struct process *p, const struct image *image,
			const struct ms_image *totals)
{
	uint64_t end_ns = image->end_ns ? image->end_ns : clock_ns();
	int i;

	*p = (struct process){
	    .id = image->id,
	    .pid = image->pid,
	    .ppid = image->ppid,
	    .comm = strdup(image->comm ? image->comm : ""),
	    .cmdline = copy_text(image->cmdline),
	    .container = copy_text(image->container),
	    .exited = image->end_ns && !image->execed,
	    .execed = image->execed,
	    .exit_code = exit_code_of(image->wait_status),
	    .start_s = clock_seconds(c->start_ns, image->start_ns),
	    .end_s = clock_seconds(c->start_ns, end_ns),
	    .rss_bytes = image->memory.rss_bytes,
	    .rss_peak_bytes = image->memory.rss_peak_bytes,
	    .memory = memory_of(&image->memory),
	};
	for (i = 0; i < MS_LAYER_NR; i++)
		totals_layer(&p->layers[i], &totals->layer[i], c->start_ns);
	return p->comm ? 0 : -ENOMEM;
}

static int fill_processes(const struct collect *c, struct snapshot *s, struct ms_image *totals,
			  struct numbers *numbers)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images);
	int err = 0;

	for (i = 0; i < n; i++)
		if (images[i]->id > numbers->max_id)
			numbers->max_id = images[i]->id;
	numbers->by_image_id = malloc((numbers->max_id + 1) * sizeof(size_t));
	numbers->by_place = malloc((n + 1) * sizeof(size_t));
	numbers->images = calloc(numbers->max_id + 1, sizeof(*numbers->images));
	s->processes = calloc(n + 1, sizeof(*s->processes));
	if (!numbers->by_image_id || !numbers->by_place || !numbers->images || !s->processes)
		return -ENOMEM;
	memset(numbers->by_image_id, 0xff, (numbers->max_id + 1) * sizeof(size_t));
	for (i = 0; i < n && !err; i++) {
		numbers->by_place[i] = SIZE_MAX;
		numbers->images[images[i]->id] = images[i];
		if (!image_counts(images[i]))
			continue;
		if (watch_totals(c, images[i]->id, &totals[s->process_count]))
			memset(&totals[s->process_count], 0, sizeof(*totals));
		err = fill_process(c, &s->processes[s->process_count], images[i],
				   &totals[s->process_count]);
		if (!err)
			err = watch_parts(c, &s->processes[s->process_count]);
		if (!err)
			err = gpus_devices(&c->gpus, &s->processes[s->process_count], c->start_ns);
		if (!err)
			err = drivers_fill(&c->drivers, &c->gpus, &s->processes[s->process_count]);
		numbers->by_place[i] = s->process_count;
		numbers->by_image_id[images[i]->id] = s->process_count++;
	}
	return err;
}

/* ---- the rest ----------------------------------------------------------- */

static int fill_points(const struct collect *c, struct snapshot *s, const struct numbers *numbers)
{
	size_t i;

	s->points = malloc((c->timeline.count + 1) * sizeof(*s->points));
	if (!s->points)
		return -ENOMEM;
	for (i = 0; i < c->timeline.count; i++) {
		struct point point = c->timeline.points[i];

		point.process = numbers->by_place[point.process];
		if (point.process != SIZE_MAX)
			s->points[s->point_count++] = point;
	}
	return 0;
}

static int fill_losses(const struct collect *c, struct snapshot *s)
{
	struct gpu_counts gpu = gpus_counts(&c->gpus);
	size_t i;

	if (totals_losses(s))
		return -ENOMEM;
	for (i = 0; i < s->loss_count; i++)
		s->losses[i].count = kernel_loss(c->kernel, i);
	s->losses[MS_LOSS_codes_gone].count += codes_gone(c->source.codes);
	s->losses[MS_LOSS_missed_frees].count += gpu.missed_frees;
	s->losses[MS_LOSS_gpu_unread].count += gpu.unread;
	return 0;
}

static bool has_events(const struct snapshot *s, enum layer layer)
{
	size_t i;

	for (i = 0; i < s->process_count; i++) {
		const struct layer_totals *t = &s->processes[i].layers[layer];

		if (t->allocs || t->frees || t->unknown_frees || t->failed)
			return true;
	}
	return false;
}

/* Layers that most programs have nothing of are shown of those that have, or if they are all. */
static void hide_layers(struct snapshot *s)
{
	static const enum layer rare[] = {LAYER_TENSOR, LAYER_GPU};
	size_t i, others = 0;

	for (i = 0; i < LAYER_NR; i++)
		others += s->layer_on[i] && i != LAYER_TENSOR && i != LAYER_GPU;
	for (i = 0; others && i < sizeof(rare) / sizeof(rare[0]); i++)
		if (!has_events(s, rare[i]))
			s->layer_on[rare[i]] = false;
}

static uint64_t ram_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

int collect_snapshot(struct collect *c, const char *title, size_t top, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct numbers numbers = {0};
	struct image *const *images;
	struct ms_image *totals = calloc(target_images(c->target, &images) + 1, sizeof(*totals));
	int err = s && totals ? 0 : -ENOMEM;

	if (!err) {
		s->title = strdup(title);
		s->duration_s = collect_seconds(c);
		s->began_s = (double)c->start_ns / 1e9;
		s->ram_bytes = ram_bytes();
		memcpy(s->layer_on, c->limits.layers, sizeof(s->layer_on));
		err = s->title ? 0 : -ENOMEM;
	}
	jit_begin(c->source.jit);
	image_tensors_names(&c->tensors, &c->source, true);
	if (!err)
		err = fill_processes(c, s, totals, &numbers);
	if (!err)
		err = fill_stacks(c, s, totals, &numbers, top);
	if (!err)
		err = shortage_limits(c, s);
	if (!err)
		err = fill_points(c, s, &numbers);
	if (!err)
		err = tensors_fill(c, s, &numbers);
	if (!err)
		err = fill_losses(c, s);
	if (!err)
		err = notes_fill(c, s);
	if (!err)
		hide_layers(s);
	free(numbers.by_image_id);
	free(numbers.by_place);
	free(numbers.images);
	free(totals);
	if (err) {
		snapshot_free(s);
		return err;
	}
	*out = s;
	return 0;
}
