/* SPDX-License-Identifier: GPL-2.0 */
/* Which image has which GPU memory. */
#include "collect/gpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collect.h"
#include "collect/fill.h"
#include "gpu/figure.h"

#define NAME_LEN 32

int gpus_init(struct gpus *g)
{
	*g = (struct gpus){.names = intern_new()};
	return g->names ? 0 : -ENOMEM;
}

void gpus_free(struct gpus *g)
{
	size_t i;

	for (i = 0; i < g->room; i++)
		gpu_free(g->items[i]);
	free(g->items);
	intern_free(g->names);
}

const struct gpu *gpus_find(const struct gpus *g, uint32_t image)
{
	return image < g->room ? g->items[image] : NULL;
}

struct gpu *gpus_opened(const struct gpus *g, uint32_t image)
{
	return image < g->room ? g->items[image] : NULL;
}

struct gpu *gpus_open(struct gpus *g, uint32_t image, bool from_start)
{
	if (image >= g->room) {
		size_t room = 2 * (size_t)image + 16;
		struct gpu **items = realloc(g->items, room * sizeof(struct gpu *));

		if (!items)
			return NULL;
		memset(items + g->room, 0, (room - g->room) * sizeof(struct gpu *));
		g->items = items;
		g->room = room;
	}
	if (!g->items[image])
		g->items[image] = gpu_new(from_start);
	return g->items[image];
}

const char *gpus_name(const struct gpus *g, uint32_t device)
{
	char name[NAME_LEN];

	gpu_device_name(device, name, sizeof(name));
	return intern_text(g->names, name, strlen(name));
}

const char *gpus_told_name(const struct gpus *g, uint32_t of, const char *bus)
{
	char name[GPU_BUS_LEN + 8];

	if (of != GPU_OF_UNKNOWN && of != GPU_OF_ALL)
		return gpus_name(g, of);
	snprintf(name, sizeof(name), "pci:%s", bus);
	return intern_text(g->names, name, strlen(name));
}

struct gpu_counts gpus_counts(const struct gpus *g)
{
	struct gpu_counts sum = {0}, one;
	size_t i;

	for (i = 0; i < g->room; i++) {
		if (!g->items[i])
			continue;
		gpu_counts(g->items[i], &one);
		sum.missed_frees += one.missed_frees;
		sum.unread += one.unread;
		sum.unknown_device += one.unknown_device;
	}
	return sum;
}

int gpus_devices(const struct gpus *g, struct process *p, uint64_t start_ns)
{
	const struct gpu *gpu = gpus_find(g, p->id);
	const struct gpu_books *books = gpu ? gpu_books(gpu) : NULL;
	size_t i;

	if (!books || !books->device_count)
		return 0;
	p->devices = calloc(books->device_count, sizeof(*p->devices));
	if (!p->devices)
		return -ENOMEM;
	for (i = 0; i < books->device_count; i++) {
		struct device_totals *to = &p->devices[i];

		to->name = gpus_name(g, books->devices[i].device);
		to->shared_bytes = books->devices[i].shared_bytes;
		totals_layer(&to->totals, &books->devices[i].totals, start_ns);
		to->totals.in_flight_bytes = 0; /* it has no stacks' shares */
		if (!to->name)
			return -ENOMEM;
		p->device_count++;
	}
	return 0;
}

/* ---- events ------------------------------------------------------------------------- */

/* Whether all that the image does is seen: it began when it was traced already. */
static bool is_from_start(const struct collect *c, uint32_t id)
{
	const struct image *image = target_image(c->target, id);

	return image && (image->after_exec || image->parent);
}

void collect_gpu(struct collect *c, const struct ms_gpu_event *e)
{
	const struct probe_row *row = &c->source.table->rows[e->row];
	struct gpu *gpu = gpus_open(&c->gpus, e->image, is_from_start(c, e->image));
	const struct ms_stack_key key = {e->image, MS_LAYER_GPU, e->stack};
	struct gpu_failure failure = {0};
	int err = gpu ? gpu_apply(gpu, &row->spec, &row->gpu, e, &failure) : -ENOMEM;

	if (err)
		kernel_loss_add(c->kernel, MS_LOSS_gpu_unread, 1);
	if (failure.failed && failures_add(&c->failures, &key, failure.bytes))
		kernel_loss_add(c->kernel, MS_LOSS_failures_full, 1);
}
