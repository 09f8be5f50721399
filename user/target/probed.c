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

static int usdt_point(struct kernel *kernel, const struct module *module, const struct elf_hit *hit,
		      struct attach_point *point)
{
	const struct elf_usdt *usdt = &module->elf.usdts[hit->usdt - 1];
	int layout = kernel_usdt_layout(kernel, &usdt->layout);

	if (layout < 0)
		return layout;
	*point = (struct attach_point){
	    .offset = hit->offset,
	    .cookie = MS_USDT_COOKIE(hit->row, layout),
	    .usdt = true,
	    .semaphore = usdt->semaphore,
	};
	return 0;
}

/*
 * The points of a module of one group, frees and return instructions before the rest:
 * attaching takes time, and no block may be seen born whose death could be
 * missed, no call be seen whose return could.
 */
static struct attach_point *points_of(struct kernel *kernel, const struct module *module,
				      const struct probe_table *table, enum probe_group group,
				      size_t *count)
{
	struct attach_point *points = calloc(module->elf.hit_count, sizeof(*points));
	size_t i, n = 0;
	int pass;

	for (pass = 0; points && pass < 2; pass++)
		for (i = 0; i < module->elf.hit_count; i++) {
			const struct elf_hit *hit = &module->elf.hits[i];
			const struct probe_row *row = &table->rows[hit->row];

			if (probe_row_group(row) != group)
				continue;
			if ((row->spec.kind == MS_KIND_FREE || hit->is_return) != (pass == 0))
				continue;
			if (hit->usdt) {
				n += !usdt_point(kernel, module, hit, &points[n]);
				continue;
			}
			points[n++] = (struct attach_point){
			    .offset = hit->offset,
			    .cookie = MS_COOKIE(hit->row, module->id) |
				      (hit->is_return ? MS_COOKIE_RETURN : 0),
			    .returns = probe_row_returns(row) && !row->spec.throws,
			};
		}
	*count = n;
	return points;
}

static int attach_points(struct kernel *kernel, pid_t pid, const struct module *module,
			 const struct probe_table *table, enum probe_group group,
			 struct attach **attach)
{
	struct attach_point *points;
	size_t count;
	int err = 0;

	points = points_of(kernel, module, table, group, &count);
	if (!points)
		return -ENOMEM;
	if (count)
		err = attach_open(kernel, pid, module->fd, points, count, attach);
	free(points);
	return err;
}

int probed_add(struct probed *probed, struct kernel *kernel, pid_t pid, const struct module *module,
	       const struct probe_table *table)
{
	struct probed_file *files = realloc(probed->files, (probed->count + 1) * sizeof(*files));
	static const enum probe_group at_first[] = {GROUP_SHAPES, GROUP_RANGES, GROUP_STEADY};
	struct probed_file file = {.module = module->id};
	size_t i;
	int err = 0;

	if (!files)
		return -ENOMEM;
	probed->files = files;
	for (i = 0; i < sizeof(at_first) / sizeof(at_first[0]) && !err; i++)
		err = attach_points(kernel, pid, module, table, at_first[i],
				    &file.groups[at_first[i]]);
	if (err) {
		for (i = 0; i < GROUP_NR; i++)
			attach_close(file.groups[i]);
		file = (struct probed_file){.module = module->id, .failed = true};
	}
	if (err == -ESRCH || err == -ENOMEM)
		return err;
	files[probed->count++] = file;
	return err;
}

int probed_tell(struct probed *probed, struct kernel *kernel, pid_t pid,
		const struct modules *modules, enum probe_group group, bool wanted,
		struct closer *closer)
{
	size_t i;
	int err = 0;

	for (i = 0; i < probed->count && !err; i++) {
		struct probed_file *file = &probed->files[i];
		struct attach **attach = &file->groups[group];

		if (wanted && !file->failed && !*attach) {
			err = attach_points(kernel, pid, modules_find(modules, file->module),
					    modules_table(modules), group, attach);
		} else if (!wanted) {
			closer_add(closer, *attach);
			*attach = NULL;
		}
	}
	return err;
}

void probed_close(struct probed *probed, struct closer *closer)
{
	size_t i;
	int group;

	for (i = 0; i < probed->count; i++)
		for (group = 0; group < GROUP_NR; group++)
			closer_add(closer, probed->files[i].groups[group]);
	free(probed->files);
	*probed = (struct probed){0};
}
