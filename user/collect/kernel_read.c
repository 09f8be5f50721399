/* SPDX-License-Identifier: GPL-2.0 */
/* Reads whole maps of the kernel side, in batches; forgets what ended images left there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collect/maps.h"
#include "collect/kernel_inside.h"

int kernel_totals(const struct kernel *k, struct kernel_total **out, size_t *count)
{
	return totals_read(bpf_map__fd(k->skel->maps.totals), out, count);
}

int kernel_pieces(const struct kernel *k)
{
	return bpf_map__fd(k->skel->maps.pieces);
}

/* ---- one image's pages and blocks ------------------------------------------- */

struct picker {
	uint32_t image, space;
	char *items; /* struct touch or block */
	size_t size, count, room;
};

/* Room for `more` items. */
static int picker_reserve(struct picker *p, size_t more)
{
	size_t room = 2 * (p->count + more);
	void *items;

	if (p->count + more <= p->room)
		return 0;
	items = realloc(p->items, room * p->size);
	if (!items)
		return -ENOMEM;
	p->items = items;
	p->room = room;
	return 0;
}

static int pick_touches(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_touch_key *key = keys;
	const struct ms_touch *value = values;
	struct picker *p = context;
	uint32_t i, j;

	for (i = 0; i < n; i++) {
		if (key[i].image != p->image)
			continue;
		if (picker_reserve(p, MS_TOUCH_PAGES))
			return -ENOMEM;
		for (j = 0; j < MS_TOUCH_PAGES; j++)
			if (value[i].stack[j])
				((struct touch *)p->items)[p->count++] =
				    (struct touch){(key[i].chunk * MS_TOUCH_PAGES + j) * MS_PAGE,
						   value[i].stack[j]};
	}
	return 0;
}

static int pick_blocks(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_block_key *key = keys;
	const struct ms_block *value = values;
	struct picker *p = context;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (key[i].id != p->image || key[i].space != p->space)
			continue;
		if (picker_reserve(p, 1))
			return -ENOMEM;
		((struct block *)p->items)[p->count++] =
		    (struct block){key[i].address, value[i].size, value[i].hash};
	}
	return 0;
}

int kernel_touches(const struct kernel *k, uint32_t image, struct touch **out, size_t *count)
{
	struct picker p = {.image = image, .size = sizeof(**out)};
	int err = maps_read(bpf_map__fd(k->skel->maps.touches), sizeof(struct ms_touch_key),
			    sizeof(struct ms_touch), pick_touches, &p);

	*out = (struct touch *)p.items;
	*count = p.count;
	return err;
}

int kernel_blocks(const struct kernel *k, uint32_t image, uint32_t space, struct block **out,
		  size_t *count)
{
	struct picker p = {.image = image, .space = space, .size = sizeof(**out)};
	int err = maps_read(bpf_map__fd(k->skel->maps.blocks), sizeof(struct ms_block_key),
			    sizeof(struct ms_block), pick_blocks, &p);

	*out = (struct block *)p.items;
	*count = p.count;
	return err;
}

/* ---- calls without memory ------------------------------------------------------- */

struct failures_reader {
	struct kernel_failure *items;
	size_t count;
};

static int take_failures(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_stack_key *key = keys;
	const struct ms_failures *value = values;
	struct failures_reader *r = context;
	void *items = reallocarray(r->items, r->count + n, sizeof(*r->items));
	uint32_t i;

	if (!items)
		return -ENOMEM;
	r->items = items;
	for (i = 0; i < n; i++)
		r->items[r->count++] = (struct kernel_failure){key[i], value[i]};
	return 0;
}

int kernel_failures(const struct kernel *k, struct kernel_failure **out, size_t *count)
{
	struct failures_reader r = {0};
	int err = maps_read(bpf_map__fd(k->skel->maps.failures), sizeof(struct ms_stack_key),
			    sizeof(struct ms_failures), take_failures, &r);

	if (err) {
		free(r.items);
		return err;
	}
	*out = r.items;
	*count = r.count;
	return 0;
}

/* ---- images that ended --------------------------------------------------------- */

struct forget {
	bool (*dead)(uint32_t image, void *context);
	void *context;
	int fd;
	size_t key_size;
};

/* Every key begins with the image. */
static int forget_batch(const void *keys, const void *values, uint32_t n, void *context)
{
	struct forget *f = context;
	uint32_t i, image;

	(void)values;
	for (i = 0; i < n; i++) {
		const char *key = (const char *)keys + i * f->key_size;

		memcpy(&image, key, sizeof(image));
		if (f->dead(image, f->context))
			maps_drop(f->fd, key);
	}
	return 0;
}

int kernel_forget(struct kernel *k, bool (*dead)(uint32_t image, void *context), void *context)
{
	const struct bpf_map *maps[] = {
	    k->skel->maps.totals,  k->skel->maps.blocks,   k->skel->maps.images, k->skel->maps.rss,
	    k->skel->maps.pythons, k->skel->maps.mappings, k->skel->maps.touches};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++) {
		struct forget f = {dead, context, bpf_map__fd(maps[i]), bpf_map__key_size(maps[i])};

		err = maps_read(f.fd, f.key_size, bpf_map__value_size(maps[i]), forget_batch, &f);
	}
	return err;
}

struct codes_reader {
	int (*fn)(const struct ms_code_key *key, uint32_t id, void *context);
	void *context;
};

static int give_codes(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct codes_reader *reader = context;
	const struct ms_code_key *key = keys;
	const uint32_t *ids = values;
	uint32_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = reader->fn(&key[i], ids[i], reader->context);
	return err;
}

int kernel_codes(const struct kernel *k,
		 int (*fn)(const struct ms_code_key *key, uint32_t id, void *context),
		 void *context)
{
	struct codes_reader reader = {fn, context};

	return maps_read(bpf_map__fd(k->skel->maps.codes), sizeof(struct ms_code_key),
			 sizeof(uint32_t), give_codes, &reader);
}
