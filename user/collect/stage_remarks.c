/* SPDX-License-Identifier: GPL-2.0 */
/* Stages of the user's that cannot have been seen, as no file has their tracepoints. */
#include <stdio.h>
#include <string.h>

#include "collect/fill.h"

/* Ids are counted from 1. */
static bool is_anywhere(const struct frames_source *source, const char *tracepoint)
{
	const struct probe_table *table = modules_table(source->modules);
	uint32_t id;
	size_t i;

	for (id = 1; id <= modules_count(source->modules); id++) {
		const struct elf_file *file = &modules_find(source->modules, id)->elf;

		for (i = 0; i < file->hit_count; i++)
			if (file->hits[i].usdt &&
			    !strcmp(table->rows[file->hits[i].row].symbol, tracepoint))
				return true;
	}
	return false;
}

bool stage_remark(const struct collect *c, size_t rule, char *text, size_t size)
{
	const struct own_rule *r = &c->tensors.rules->items[rule];
	bool looked = c->limits.layers[MS_LAYER_TENSOR];
	const char *missing = !r->begin || !looked                 ? NULL
			      : !is_anywhere(&c->source, r->begin) ? r->begin
			      : !is_anywhere(&c->source, r->end)   ? r->end
								   : NULL;

	if (missing)
		snprintf(text, size, "--stage %s: no file that was loaded has the tracepoint %s",
			 r->name, missing);
	return missing;
}
