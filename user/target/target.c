/* SPDX-License-Identifier: GPL-2.0 */
/* The set of traced processes. */
#include "target/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "probe/closer.h"
#include "probe/seccomp.h"
#include "target/jitwatch.h"
#include "target/probed.h"
#include "target/process.h"
#include "target/tables.h"
#include "unwind/cpython.h"

struct traced {
	pid_t pid;
	struct image *image; /* a vfork child's is its parent's */
	uint32_t flags;      /* MS_PROC_* */
	struct probed probed;
	struct jit_watch watch;
	bool missed; /* it was gone at the last tick */
};

struct target {
	struct kernel *kernel;
	struct modules *modules;
	struct tables *tables;
	struct codes *codes;
	uint64_t codes_unread; /* of those announcements that were lost: looked after */
	uint32_t generation;   /* of the last mapping table given to the kernel */
	struct closer *closer;
	bool *matched; /* by row */
	struct traced **traced;
	size_t traced_count, traced_room;
	struct image **images;
	size_t image_count, image_room;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

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

void target_detach(struct target *t)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		probed_close(&t->traced[i]->probed, t->closer);
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

static struct traced *traced_find(const struct target *t, pid_t pid)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i]->pid == pid)
			return t->traced[i];
	return NULL;
}

static struct traced *traced_new(struct target *t, pid_t pid, struct image *image, uint32_t flags)
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

static void traced_remove(struct target *t, struct traced *traced)
{
	size_t i;

	probed_close(&traced->probed, t->closer);
	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i] == traced)
			t->traced[i] = t->traced[--t->traced_count];
	free(traced);
}

static struct image *image_add(struct target *t, uint32_t id, pid_t pid, pid_t ppid,
			       uint64_t start_ns)
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
	image = image_add(t, id, pid, ppid < 0 ? 0 : ppid, now_ns());
	if (!image || !traced_new(t, pid, image, flags))
		return -ENOMEM;
	return hold ? 0 : target_sync(t, pid);
}

/* ---- sync: the mapping table, and probes in what is new ----------------- */

/* Probes what a module has, once. */
static int probe_module(struct target *t, struct traced *traced, const struct module *module)
{
	const struct probe_table *table = modules_table(t->modules);
	size_t i;
	int err;

	if (!module->elf.hit_count || probed_has(&traced->probed, module->id))
		return 0;
	err = probed_add(&traced->probed, t->kernel, traced->pid, module, table);
	if (err == -ESRCH || err == -ENOMEM)
		return err;
	if (err) {
		kernel_loss_add(t->kernel, MS_LOSS_attach_failed, 1);
		log_warn("pid %d: cannot probe %s: %s", traced->pid, module->path, strerror(-err));
		return 0;
	}
	for (i = 0; i < module->elf.hit_count; i++)
		t->matched[module->elf.hits[i].row] = true;
	traced->image->functions += module->elf.function_count;
	return 0;
}

static struct ms_mappings *make_table(struct target *t, const struct mappings *maps,
				      struct module **modules)
{
	struct ms_mappings *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		return NULL;
	table->jit = jit_watch_found(maps);
	for (i = 0; i < maps->count; i++) {
		const struct mapping *m = &maps->items[i];

		if (!modules[i] || m->end > MS_ADDRESS_MAX)
			continue; /* [vsyscall] lies in the kernel's half */
		if (table->nr == MS_MAPPINGS_MAX) {
			kernel_loss_add(t->kernel, MS_LOSS_mappings_full, maps->count - i);
			break;
		}
		table->map[table->nr++] = (struct ms_mapping){
		    m->start, m->end, m->offset, modules[i]->id, tables_of(t->tables, modules[i])};
	}
	return table;
}

static bool is_same(const struct ms_mappings *a, const struct ms_mappings *b)
{
	return a && a->nr == b->nr && a->jit == b->jit &&
	       !memcmp(a->map, b->map, a->nr * sizeof(a->map[0]));
}

static int give_table(struct target *t, struct image *image, const struct mappings *maps,
		      struct module **modules)
{
	struct ms_mappings *table = make_table(t, maps, modules);
	int err;

	if (!table)
		return -ENOMEM;
	if (is_same(image->table, table)) {
		tables_release(t->tables, table);
		free(table);
		return 0;
	}
	table->generation = ++t->generation;
	err = kernel_mappings_set(t->kernel, image->id, table);
	if (image->table)
		tables_release(t->tables, image->table);
	free(image->table);
	image->table = table;
	return err;
}

/* What an image leaves behind when it ends: its mapping table, for late names, but no hold. */
static void image_end(struct target *t, struct image *image, uint64_t time_ns)
{
	if (!image->end_ns && image->table)
		tables_release(t->tables, image->table);
	if (image->python)
		codes_image_end(t->codes, image->id);
	image->end_ns = time_ns;
}

/* The image runs this interpreter.  Without memory for it, frames stay native. */
static void set_python(struct target *t, struct image *image, const struct ms_python *python)
{
	image->python = malloc(sizeof(*python));
	if (!image->python)
		return;
	*image->python = *python;
	if (codes_image(t->codes, image->id, python) ||
	    kernel_python_set(t->kernel, image->id, python))
		log_warn("pid %d: no room for its Python interpreter", image->pid);
}

static void find_python(struct target *t, struct image *image, const struct mapping *mapping,
			const struct module *module)
{
	struct ms_python python;
	uint64_t bias;
	char why[128];
	int err;

	if (image->python || image->python_refused || !module->python ||
	    python_bias(module->python, mapping->start, mapping->end, mapping->offset, &bias))
		return;
	err = python_detect(image->pid, module->python, bias, &python, why, sizeof(why));
	if (!err) {
		python.walk.module = module->id;
		log_verbose("pid %d: Python 3.%u in %s", image->pid, python.walk.minor,
			    module->path);
		set_python(t, image, &python);
	} else if (err == -ENOTSUP) {
		image->python_refused = true;
		log_warn("pid %d: no Python frames of %s: %s", image->pid, module->path, why);
	}
}

static void find_torch(struct target *t, struct image *image, const struct mapping *mapping,
		       const struct module *module)
{
	if (!module->torch || !torch_add(&image->torch, module->torch, mapping))
		return;
	log_verbose("pid %d: PyTorch's classes in %s", image->pid, module->path);
	if (kernel_torch_set(t->kernel, image->id, &image->torch))
		log_warn("pid %d: no room for its PyTorch", image->pid);
}

/*
 * A seccomp filter may kill the process for a return probe: then it has none.
 * (One that is set later cannot be foreseen.)
 */
static bool is_safe(struct target *t, const struct traced *traced)
{
	if (traced->probed.count || !process_has_filter(traced->pid) ||
	    seccomp_spares_returns(t->kernel))
		return true;
	log_warn("pid %d: not probed: on this kernel its seccomp filter would kill it for a "
		 "return probe (CVE-2025-21834)",
		 traced->pid);
	return false;
}

static int sync_modules(struct target *t, struct traced *traced, const struct mappings *maps,
			struct module **modules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < maps->count && !err; i++) {
		modules[i] = modules_get(t->modules, traced->pid, &maps->items[i]);
		if (!modules[i])
			continue;
		find_python(t, traced->image, &maps->items[i], modules[i]);
		find_torch(t, traced->image, &maps->items[i], modules[i]);
		err = probe_module(t, traced, modules[i]);
	}
	return err;
}

int target_sync(struct target *t, pid_t pid)
{
	struct traced *traced = traced_find(t, pid);
	struct module **modules = NULL;
	struct mappings maps;
	int err;

	if (!traced)
		return -ESRCH;
	if (traced->flags & MS_PROC_BORROWED)
		return 0; /* its parent's probes see it */
	if (!is_safe(t, traced))
		return -EPERM;
	err = mappings_read(pid, &maps);
	if (err)
		return err;
	modules = calloc(maps.count, sizeof(struct module *));
	err = modules ? sync_modules(t, traced, &maps, modules) : -ENOMEM;
	jit_files_look(&traced->image->jit, pid, &maps);
	if (!err)
		err = give_table(t, traced->image, &maps, modules);
	free(modules);
	mappings_free(&maps);
	if (err || traced->flags & MS_PROC_READY)
		return err;
	traced->flags |= MS_PROC_READY;
	err = kernel_proc_set(t->kernel, pid, traced->image->id, traced->flags);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	if (!traced->image->ready_ns)
		traced->image->ready_ns = now_ns();
	log_verbose("tracing %d (%s): %zu allocation functions", pid,
		    traced->image->comm ? traced->image->comm : "?", traced->image->functions);
	return 0;
}

/*
 * A JIT makes code without loading a library, maps a dump to say what it made,
 * or maps its program's code once more, near to its own.  New files are left
 * to target_sync(): nothing holds the process here while it maps them.
 */
static void look_again(struct target *t, struct traced *traced)
{
	uint64_t start_ns = now_ns();
	struct module **modules;
	struct mappings maps;
	size_t i;

	if (traced->flags & MS_PROC_BORROWED || !traced->image->table ||
	    start_ns < traced->watch.due_ns || mappings_read(traced->pid, &maps))
		return;
	jit_files_look(&traced->image->jit, traced->pid, &maps);
	modules = calloc(maps.count, sizeof(struct module *));
	for (i = 0; modules && i < maps.count; i++)
		modules[i] = modules_known(t->modules, &maps.items[i]);
	if (modules)
		give_table(t, traced->image, &maps, modules);
	free(modules);
	mappings_free(&maps);
	jit_watch_looked(&traced->watch, start_ns, now_ns());
}

int target_tell(struct target *t, uint32_t image, enum probe_group group, bool wanted)
{
	size_t i;

	for (i = 0; i < t->traced_count; i++)
		if (t->traced[i]->image->id == image && !(t->traced[i]->flags & MS_PROC_BORROWED))
			return probed_tell(&t->traced[i]->probed, t->kernel, t->traced[i]->pid,
					   t->modules, group, wanted, t->closer);
	return -ESRCH;
}

/* ---- events ------------------------------------------------------------- */

static void sync_unheld(struct target *t, pid_t pid, uint32_t flags)
{
	int err = flags & MS_PROC_HOLD ? 0 : target_sync(t, pid);

	if (err && err != -ESRCH && err != -EPERM)
		log_warn("pid %d: cannot follow it: %s", pid, strerror(-err));
}

static void image_forked(struct target *t, const struct ms_event *e)
{
	struct traced *parent, *former = traced_find(t, e->tgid);
	struct image *image;

	if (former) {
		/* The exit of a former owner of the pid was lost. */
		image_end(t, former->image, e->time_ns);
		jit_files_end(&former->image->jit);
		traced_remove(t, former);
	}
	parent = traced_find(t, e->parent);
	if (e->flags & MS_PROC_BORROWED) {
		if (parent)
			traced_new(t, e->tgid, parent->image, e->flags);
		return;
	}
	image = image_add(t, e->id, e->tgid, e->parent, e->time_ns);
	if (!image || !traced_new(t, e->tgid, image, e->flags))
		return;
	image->followed = !(e->flags & MS_PROC_HOLD);
	if (parent && parent->image->python)
		set_python(t, image, parent->image->python);
	if (parent && parent->image->torch.vtable[0][0]) {
		image->torch = parent->image->torch;
		kernel_torch_set(t->kernel, image->id, &image->torch);
	}
	image->parent = parent ? parent->image : NULL;
	sync_unheld(t, e->tgid, e->flags);
}

static void image_execed(struct target *t, const struct ms_event *e)
{
	struct traced *traced = traced_find(t, e->tgid);
	struct image *old, *image;

	if (!traced)
		return;
	old = traced->image;
	if (!(traced->flags & MS_PROC_BORROWED)) {
		image_end(t, old, e->time_ns);
		old->execed = true;
		jit_files_end(&old->jit);
	}
	image = image_add(t, e->id, e->tgid, old->ppid, e->time_ns);
	if (!image)
		return;
	image->after_exec = true;
	if (traced->flags & MS_PROC_BORROWED)
		image->ppid = old->pid;
	traced->image = image;
	image->followed = !(e->flags & MS_PROC_HOLD);
	image->maxrss_before = e->maxrss_pages;
	/* The links follow the process across exec, unless a thread that was
	 * not the leader called it: the task they hold is gone then. */
	if (e->parent != e->tgid)
		probed_close(&traced->probed, t->closer);
	traced->flags = e->flags & ~MS_PROC_READY;
	sync_unheld(t, e->tgid, e->flags);
}

static void image_exited(struct target *t, const struct ms_event *e)
{
	struct traced *traced = traced_find(t, e->tgid);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct image *image;

	if (!traced)
		return;
	image = traced->image;
	if (!(traced->flags & MS_PROC_BORROWED)) {
		image_end(t, image, e->time_ns);
		image->wait_status = e->exit_code;
		jit_files_end(&image->jit);
		/* signal->maxrss outlives exec: a larger former program hides this
		 * one's, and then the last tick's high-water mark stands.  So it does where
		 * it is higher: this one leaves out what the CPUs have not added yet. */
		if (e->maxrss_pages > image->maxrss_before &&
		    e->maxrss_pages * page > image->memory.rss_peak_bytes)
			image->memory.rss_peak_bytes = e->maxrss_pages * page;
	}
	traced_remove(t, traced);
}

/*
 * Processes that are gone and whose exits found the ring buffer full; their status is not
 * known.  What is there is read before each tick: after two of them nothing more comes.
 */
static void end_unannounced(struct target *t)
{
	struct ms_event gone = {.kind = MS_EVENT_EXIT, .time_ns = now_ns()};
	size_t i = kernel_loss(t->kernel, MS_LOSS_events) ? t->traced_count : 0;
	struct process_memory memory;

	while (i-- > 0) {
		struct traced *traced = t->traced[i];

		gone.tgid = (uint32_t)traced->pid;
		if (!process_memory(traced->pid, &memory))
			traced->missed = false;
		else if (!traced->missed)
			traced->missed = true;
		else
			image_exited(t, &gone);
	}
}

void target_tick(struct target *t)
{
	size_t i;

	end_unannounced(t);
	for (i = 0; i < t->traced_count; i++)
		look_again(t, t->traced[i]);
}

void target_event(struct target *t, const struct ms_event *e)
{
	switch (e->kind) {
	case MS_EVENT_FORK:
		image_forked(t, e);
		break;
	case MS_EVENT_EXEC:
		image_execed(t, e);
		break;
	case MS_EVENT_EXIT:
		image_exited(t, e);
		break;
	case MS_EVENT_LIBS:
		sync_unheld(t, e->tgid, e->flags);
		break;
	}
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
