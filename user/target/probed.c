/* SPDX-License-Identifier: GPL-2.0 */
/* Which files of a process are probed, and the points of one. */
#include "target/probed.h"

#include <errno.h>
#include <stdlib.h>

bool probed_has(const struct probed *probed, uint32_t module)
{
	size_t i;

	for (i = 0; i < probed->count; i++)
		if (probed->files[i].module == module)
			return true;
	return false;
}

/*
 * The points of a module, frees and return instructions before the rest:
 * attaching takes time, and no block may be seen born whose death could be
 * missed, no call be seen whose return could.
 */
static struct attach_point *points_of(const struct module *module, const struct probe_table *table)
{
	struct attach_point *points = calloc(module->elf.hit_count, sizeof(*points));
	size_t i, n = 0;
	int pass;

	for (pass = 0; points && pass < 2; pass++)
		for (i = 0; i < module->elf.hit_count; i++) {
			const struct elf_hit *hit = &module->elf.hits[i];
			const struct probe_row *row = &table->rows[hit->row];

			if ((row->spec.kind == MS_KIND_FREE || hit->is_return) != (pass == 0))
				continue;
			points[n++] = (struct attach_point){
			    .offset = hit->offset,
			    .cookie = MS_COOKIE(hit->row, module->id) |
				      (hit->is_return ? MS_COOKIE_RETURN : 0),
			    .returns = probe_row_returns(row) && !row->spec.throws,
			};
		}
	return points;
}

int probed_add(struct probed *probed, struct kernel *kernel, pid_t pid, const struct module *module,
	       const struct probe_table *table)
{
	struct probed_file *files = realloc(probed->files, (probed->count + 1) * sizeof(*files));
	struct attach_point *points;
	struct attach *attach = NULL;
	int err;

	if (!files)
		return -ENOMEM;
	probed->files = files;
	points = points_of(module, table);
	if (!points)
		return -ENOMEM;
	err = attach_open(kernel, pid, module->fd, points, module->elf.hit_count, &attach);
	free(points);
	if (err == -ESRCH || err == -ENOMEM)
		return err;
	files[probed->count++] = (struct probed_file){module->id, err ? NULL : attach};
	return err;
}

void probed_close(struct probed *probed, struct closer *closer)
{
	size_t i;

	for (i = 0; i < probed->count; i++)
		closer_add(closer, probed->files[i].attach);
	free(probed->files);
	*probed = (struct probed){0};
}
