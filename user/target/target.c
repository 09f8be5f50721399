/* SPDX-License-Identifier: GPL-2.0 */
/* The set of traced processes: who is in it, and what is known of it. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "mapping.h"
#include "target/process.h"
#include "target/target_inside.h"

struct target *target_new(struct kernel *kernel, struct modules *modules,
			  const struct probe_table *table, size_t max_unwind)
{
	struct target *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->matched = calloc(table->count, sizeof(*t->matched));
	t->closer = closer_new();
	t->tables = tables_new(kernel, max_unwind);
	t->codes = codes_new();
	if (!t->matched || !t->closer || !t->tables || !t->codes) {
		codes_free(t->codes);
		tables_free(t->tables);
		closer_free(t->closer);
		free(t->matched);
		free(t);
		return NULL;
	}
	t->kernel = kernel;
	t->modules = modules;
	return t;
}

void traced_close(struct target *t, struct traced *traced)
{
	callsites_keep(&traced->calls, NULL, 0, t->closer);
	probed_close(&traced->probed, t->closer);
}

void target_detach(struct target *t)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		traced_close(t, t->traced[i]);
	closer_free(t->closer);
	t->closer = NULL;
}

void target_free(struct target *t)
{
	size_t i;

	if (!t)
		return;
	target_detach(t);
	for (i = 0; i < t->traced_count; i++)
		free(t->traced[i]);
	for (i = 0; i < t->image_count; i++)
		image_free(t->images[i]);
	tables_free(t->tables);
	codes_free(t->codes);
	free(t->traced);
	free(t->images);
	free(t->matched);
	free(t);
}

struct traced *traced_find(const struct target *t, pid_t pid)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i]->pid == pid)
			return t->traced[i];
	return NULL;
}

struct traced *traced_new(struct target *t, pid_t pid, struct image *image, uint32_t flags)
{
	struct traced *traced;

	if (array_reserve(&t->traced, t->traced_count, &t->traced_room, sizeof(void *)))
		return NULL;
	traced = calloc(1, sizeof(*traced));
	if (!traced)
		return NULL;
	*traced = (struct traced){.pid = pid, .image = image, .flags = flags};
	t->traced[t->traced_count++] = traced;
	return traced;
}

void traced_remove(struct target *t, struct traced *traced)
{
	size_t i;

	traced_close(t, traced);
	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i] == traced)
			t->traced[i] = t->traced[--t->traced_count];
	free(traced);
}

struct image *image_add(struct target *t, uint32_t id, pid_t pid, pid_t ppid, uint64_t start_ns)
{
	struct image *image;

	if (array_reserve(&t->images, t->image_count, &t->image_room, sizeof(void *)))
		return NULL;
	image = image_new(id, pid, ppid, start_ns);
	if (image)
		t->images[t->image_count++] = image;
	return image;
}

int target_add(struct target *t, pid_t pid, bool hold)
{
	uint32_t flags = hold ? MS_PROC_HOLD : 0;
	int64_t id = kernel_proc_add(t->kernel, pid, flags, 0);
	int ppid = process_parent(pid);
	struct image *image;

	if (id < 0)
		return id;
	image = image_add(t, id, pid, ppid < 0 ? 0 : ppid, clock_ns());
	if (!image || !traced_new(t, pid, image, flags))
		return -ENOMEM;
	return hold ? 0 : target_sync(t, pid);
}

void image_end(struct target *t, struct image *image, uint64_t time_ns)
{
	if (!image->end_ns && image->table)
		tables_release(t->tables, image->table);
	if (image->python)
		codes_image_end(t->codes, image->id);
	image->end_ns = time_ns;
}

/* The process that runs an image by itself; NULL: none does. */
static struct traced *runner(const struct target *t, uint32_t image)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i]->image->id == image && !(t->traced[i]->flags & MS_PROC_BORROWED))
			return t->traced[i];
	return NULL;
}

int target_tell(struct target *t, uint32_t image, enum probe_group group, bool wanted)
{
	struct traced *traced = runner(t, image);

	return traced ? probed_tell(&traced->probed, t->kernel, traced->pid, t->modules, group,
				    wanted, t->closer)
		      : -ESRCH;
}

uint64_t target_place(const struct target *t, uint32_t image, uint64_t address)
{
	const struct image *found = target_image(t, image);
	const struct ms_mapping *map = found ? mapping_find(found->table, address) : NULL;

	return map ? MS_FRAME(map->module, address - map->start + map->offset)
		   : MS_FRAME(0, address);
}

int target_calls_add(struct target *t, uint32_t image, const struct call_place *backs, size_t count,
		     const struct call_place **places)
{
	struct traced *traced = runner(t, image);

	if (!traced)
		return -ESRCH;
	/* A call that the kernel emulates is not on that stack, and its return ends the process. */
	if (process_has_shadow_stack(traced->pid))
		return -ENOENT;
	*places = traced->calls.places;
	return callsites_add(&traced->calls, t->kernel, traced->pid, t->modules, backs, count);
}

void target_calls_keep(struct target *t, uint32_t image, const struct call_place *kept,
		       size_t count)
{
	struct traced *traced = runner(t, image);

	if (traced)
		callsites_keep(&traced->calls, kept, count, t->closer);
}

bool target_has_grown(struct target *t, uint32_t image)
{
	struct traced *traced = runner(t, image);
	bool grown = traced && traced->calls.grown;

	if (traced)
		traced->calls.grown = false;
	return grown;
}

static int read_code(const struct ms_code_key *key, uint32_t id, void *context)
{
	struct target *t = context;
	size_t i;

	if (codes_known(t->codes, id))
		return 0;
	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i]->image->id == key->image)
			codes_add(t->codes, id, t->traced[i]->pid, key);
	return 0;
}

/* Code objects whose announcement found the ring buffer full are looked up in the map. */
static void read_unannounced(struct target *t)
{
	uint64_t lost = kernel_loss(t->kernel, MS_LOSS_codes_unread);

	if (lost != t->codes_unread && !kernel_codes(t->kernel, read_code, t))
		t->codes_unread = lost;
}

void target_make_room(struct target *t)
{
	tables_sweep(t->tables);
	read_unannounced(t);
}

size_t target_images(const struct target *t, struct image *const **images)
{
	*images = t->images;
	return t->image_count;
}

const struct image *target_image(const struct target *t, uint32_t id)
{
	size_t i = t->image_count;

	/* The newest first: mostly it is asked for. */
	while (i-- > 0)
		if (t->images[i]->id == id)
			return t->images[i];
	return NULL;
}

size_t target_running(const struct target *t)
{
	return t->traced_count;
}

bool target_row_matched(const struct target *t, uint32_t row)
{
	return t->matched[row];
}

size_t target_files(const struct target *t)
{
	return modules_count(t->modules);
}

struct codes *target_codes(const struct target *t)
{
	return t->codes;
}

const struct modules *target_modules(const struct target *t)
{
	return t->modules;
}
