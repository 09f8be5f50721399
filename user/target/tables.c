/* SPDX-License-Identifier: GPL-2.0 */
/* The unwind tables that the kernel holds. */
#include "target/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "unwind.h"
#include "unwind/cache.h"

struct entry {
	bool known;     /* it was tried; `table` says with what success */
	uint32_t table; /* as in ms_mapping.table */
	uint32_t holders;
	size_t blocks;
	bool idle; /* at the last sweep nobody held it */
};

struct tables {
	struct kernel *kernel;
	struct unwind_cache cache;
	size_t blocks, max_blocks;
	struct entry *entries; /* by module id - 1 */
	size_t entry_count;
	uint32_t modules[MS_UNWIND_TABLES_MAX]; /* by slot: whose table is there, 0: free */
	uint32_t next;                          /* slot to try first */
};

struct tables *tables_new(struct kernel *kernel, size_t max_bytes)
{
	struct tables *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return NULL;
	t->kernel = kernel;
	t->max_blocks = max_bytes / MS_UNWIND_BLOCK;
	err = unwind_cache_open(&t->cache);
	if (err)
		log_verbose("unwind: no cache: %s", strerror(-err));
	return t;
}

void tables_free(struct tables *t)
{
	if (!t)
		return;
	unwind_cache_close(&t->cache);
	free(t->entries);
	free(t);
}

static struct entry *entry_of(struct tables *t, uint32_t module)
{
	if (module > t->entry_count) {
		size_t more = 2 * (size_t)module;
		struct entry *entries = realloc(t->entries, more * sizeof(*entries));

		if (!entries)
			return NULL;
		memset(entries + t->entry_count, 0, (more - t->entry_count) * sizeof(*entries));
		t->entries = entries;
		t->entry_count = more;
	}
	return &t->entries[module - 1];
}

/* Slots go round, so that one just left is not soon another file's. */
static int slot_take(struct tables *t, uint32_t module)
{
	uint32_t i;

	for (i = 0; i < MS_UNWIND_TABLES_MAX; i++) {
		uint32_t slot = (t->next + i) % MS_UNWIND_TABLES_MAX;

		if (t->modules[slot])
			continue;
		t->modules[slot] = module;
		t->next = slot + 1;
		return slot;
	}
	return -ENOSPC;
}

static void entry_drop(struct tables *t, struct entry *entry)
{
	uint32_t slot = entry->table - 1;

	kernel_unwind_clear(t->kernel, slot);
	log_verbose("unwind: a table is freed: %zu KiB of module %u",
		    entry->blocks * (MS_UNWIND_BLOCK / 1024), t->modules[slot]);
	t->modules[slot] = 0;
	t->blocks -= entry->blocks;
	*entry = (struct entry){0};
}

static bool in_slot(const struct entry *entry)
{
	return entry->table && entry->table != MS_TABLE_NO_ROWS;
}

static void drop_unheld(struct tables *t, bool idle_only)
{
	size_t i;

	for (i = 0; i < t->entry_count; i++) {
		struct entry *entry = &t->entries[i];

		if (!in_slot(entry) || entry->holders)
			continue;
		if (!idle_only || entry->idle)
			entry_drop(t, entry);
		else
			entry->idle = true;
	}
}

static int table_load(struct tables *t, struct entry *entry, const struct module *module,
		      const struct unwind_table *table)
{
	int slot, err;

	if (t->blocks + table->block_count > t->max_blocks)
		drop_unheld(t, false);
	if (t->blocks + table->block_count > t->max_blocks)
		return -ENOSPC;
	slot = slot_take(t, module->id);
	if (slot < 0)
		return slot;
	err = kernel_unwind_set(t->kernel, slot, table->blocks, table->block_count);
	if (err) {
		t->modules[slot] = 0;
		return err;
	}
	t->blocks += table->block_count;
	entry->blocks = table->block_count;
	entry->table = slot + 1;
	return 0;
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void entry_make(struct tables *t, struct entry *entry, const struct module *module)
{
	struct unwind_table table;
	double start = now_ms();
	int err = unwind_table_get(module->fd, &t->cache, &table);

	entry->known = true;
	if (err) {
		entry->table = err == -ENODATA ? MS_TABLE_NO_ROWS : 0;
		log_verbose("unwind: %s: %s", module->path,
			    err == -ENODATA ? "no unwind information" : strerror(-err));
	} else {
		err = table_load(t, entry, module, &table);
		if (!err)
			log_verbose("unwind: %s: %zu KiB, %.1f ms%s", module->path,
				    table.block_count * (MS_UNWIND_BLOCK / 1024), now_ms() - start,
				    "");
		unwind_table_free(&table);
	}
	if (!err || err == -ENODATA)
		return;
	kernel_loss_add(t->kernel, MS_LOSS_tables_full, 1);
	log_warn("%s: no unwind table: %s; its stacks follow frame pointers", module->path,
		 err == -ENOSPC ? "the limit is reached (--max-unwind)" : strerror(-err));
}

uint32_t tables_of(struct tables *t, const struct module *module)
{
	struct entry *entry;

	if (!t->max_blocks || module->fd < 0)
		return 0;
	entry = entry_of(t, module->id);
	if (!entry)
		return 0;
	if (!entry->known)
		entry_make(t, entry, module);
	entry->idle = false;
	entry->holders++;
	return entry->table;
}

void tables_release(struct tables *t, const struct ms_mappings *m)
{
	uint32_t i;

	for (i = 0; i < m->nr; i++) {
		uint32_t table = m->map[i].table;

		if (table && table != MS_TABLE_NO_ROWS)
			t->entries[t->modules[table - 1] - 1].holders--;
	}
}

void tables_sweep(struct tables *t)
{
	drop_unheld(t, true);
}
