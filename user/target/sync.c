/* SPDX-License-Identifier: GPL-2.0 */
/* What a process maps: its mapping table for the kernel side, and probes in what is new. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "probe/seccomp.h"
#include "target/process.h"
#include "target/target_inside.h"
#include "unwind/cpython.h"

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

/* Changes of module from one mapping to the next, which lie sorted: so many libraries, at least. */
static uint32_t libraries(const struct ms_mappings *table)
{
	uint32_t i, count = 0;

	for (i = 0; table && i < table->nr; i++)
		count += !i || table->map[i].module != table->map[i - 1].module;
	return count;
}

/* What it has loaded may call functions that were left for the instructions that call them. */
static int sync_calls(struct target *t, struct traced *traced, uint32_t libraries_before)
{
	if (libraries(traced->image->table) <= libraries_before)
		return 0;
	traced->calls.grown = true;
	if (!traced->calls.count)
		return 0;
	return probed_tell(&traced->probed, t->kernel, traced->pid, t->modules, GROUP_RANGES, true,
			   t->closer);
}

void image_set_python(struct target *t, struct image *image, const struct ms_python *python)
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
		image_set_python(t, image, &python);
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

/* What a JIT made is as if it lay in no file: named by the JIT, followed by frame pointer. */
static struct module *code_of(struct module *module, struct mappings *maps)
{
	if (!module || !module->made)
		return module;
	maps->anonymous = true;
	return NULL;
}

static int sync_modules(struct target *t, struct traced *traced, struct mappings *maps,
			struct module **modules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < maps->count && !err; i++) {
		modules[i] = code_of(modules_get(t->modules, traced->pid, &maps->items[i]), maps);
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
	uint32_t before;
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
	before = libraries(traced->image->table);
	modules = calloc(maps.count, sizeof(struct module *));
	err = modules ? sync_modules(t, traced, &maps, modules) : -ENOMEM;
	jit_files_look(&traced->image->jit, pid, &maps);
	if (!err)
		err = give_table(t, traced->image, &maps, modules);
	if (!err)
		err = sync_calls(t, traced, before);
	free(modules);
	mappings_free(&maps);
	if (err || traced->flags & MS_PROC_READY)
		return err;
	traced->flags |= MS_PROC_READY;
	err = kernel_proc_set(t->kernel, pid, traced->image->id, traced->flags);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	if (!traced->image->ready_ns)
		traced->image->ready_ns = clock_ns();
	log_verbose("tracing %d (%s): %zu allocation functions", pid,
		    traced->image->comm ? traced->image->comm : "?", traced->image->functions);
	return 0;
}

void traced_look_again(struct target *t, struct traced *traced)
{
	uint64_t start_ns = clock_ns(), code_bytes = traced->image->memory.code_bytes;
	struct module **modules;
	struct mappings maps;
	size_t i;

	if (traced->flags & MS_PROC_BORROWED || !traced->image->table ||
	    !jit_watch_due(&traced->watch, code_bytes, start_ns) ||
	    mappings_read(traced->pid, &maps))
		return;
	jit_files_look(&traced->image->jit, traced->pid, &maps);
	modules = calloc(maps.count, sizeof(struct module *));
	for (i = 0; modules && i < maps.count; i++)
		modules[i] = code_of(modules_known(t->modules, traced->pid, &maps.items[i]), &maps);
	if (modules)
		give_table(t, traced->image, &maps, modules);
	free(modules);
	mappings_free(&maps);
	jit_watch_looked(&traced->watch, code_bytes, start_ns, clock_ns());
}
