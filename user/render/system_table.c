/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One block of the live table of the whole system: the machine's memory, control
 * groups, processes, those too short to be a row, and how to look closer.
 */
#include <errno.h>
#include <stdlib.h>

#include "render/lines.h"
#include "render/system_columns.h"
#include "render/system_parts.h"
#include "render/system_render.h"

#define DEFAULT_TOP 10
#define KILLS 3  /* the last ones */
#define GROUPS 3 /* of short-lived processes, where there is room */

struct table {
	struct lines lines;
	const struct system_view *v;
	const struct system_look *look;
	unsigned rows; /* 0: no limit */
};

static void put_title(struct table *t)
{
	char time[HUMAN_LEN];

	lines_put(&t->lines, STYLE_STRONG, "memsnoop  %s  the whole system: %zu processes",
		  text_seconds(time, t->v->duration_s), t->v->running_count);
	lines_end(&t->lines);
}

/* A small terminal has better use for the line. */
static void put_blank(struct table *t)
{
	if (!t->rows || t->rows >= 20)
		lines_end(&t->lines);
}

/* Lines for control groups: at most a sixth of the terminal. */
static size_t cgroup_limit(const struct table *t)
{
	size_t top = t->look->options.top ? t->look->options.top : DEFAULT_TOP;

	if (t->rows && top > t->rows / 6)
		top = t->rows / 6 ? t->rows / 6 : 1;
	return top < t->v->cgroup_count ? top : t->v->cgroup_count;
}

static int put_cgroups(struct table *t)
{
	const struct cgroup **sorted;
	size_t limit = cgroup_limit(t);

	if (!limit)
		return 0;
	sorted = system_sorted_cgroups(t->v, t->look->sort);
	if (!sorted)
		return -ENOMEM;
	system_put_titles(&t->lines, &cgroup_columns, -1);
	for (size_t i = 0; i < limit; i++) {
		struct system_subject subject = {.cgroup = sorted[i]};

		system_put_row(&t->lines, &cgroup_columns, &subject);
	}
	if (limit < t->v->cgroup_count && !t->rows) {
		lines_put(&t->lines, STYLE_DIM, "            and %zu more",
			  t->v->cgroup_count - limit);
		lines_end(&t->lines);
	}
	free(sorted);
	put_blank(t);
	return 0;
}

/* The pid of the first row in *first, 0 if there is none. */
static int put_procs(struct table *t, int *first)
{
	const struct proc **sorted = system_sorted_procs(t->v, t->look->sort);
	size_t count = t->v->running_count, limit = t->look->options.top;

	if (!sorted)
		return -ENOMEM;
	/* a terminal is filled, unless a number was asked for */
	if (!limit)
		limit = t->rows ? count : DEFAULT_TOP;
	*first = count ? sorted[0]->pid : 0;
	system_put_titles(&t->lines, &proc_columns, t->look->sort);
	for (size_t i = 0; i < count && i < limit && lines_room(&t->lines); i++) {
		struct system_subject subject = {.proc = sorted[i]};

		system_put_row(&t->lines, &proc_columns, &subject);
	}
	if (limit < count && !t->rows) {
		lines_put(&t->lines, STYLE_DIM, "          and %zu more process%s", count - limit,
			  count - limit == 1 ? "" : "es");
		lines_end(&t->lines);
	}
	free(sorted);
	return 0;
}

/* How to look closer, and on a terminal which keys there are. */
static void put_hints(struct table *t, int pid)
{
	if (pid) {
		lines_put(&t->lines, STYLE_DIM, "who allocates in a process: memsnoop -p %d", pid);
		lines_end(&t->lines);
	}
	if (!t->rows)
		return;
	lines_put(&t->lines, STYLE_DIM, "keys: q quit; sort by");
	for (size_t i = 0; i < proc_columns.count; i++)
		if (proc_columns.rows[i].key)
			lines_put(&t->lines, STYLE_DIM, "%s %c %s", i > 2 ? "," : "",
				  proc_columns.rows[i].key, proc_columns.rows[i].name);
	lines_end(&t->lines);
}

int render_system_table(FILE *out, const struct system_view *v, const struct system_look *look)
{
	const struct render_options *o = &look->options;
	struct table t = {
	    .lines = {.out = out, .columns = o->columns, .colour = o->colour},
	    .v = v,
	    .look = look,
	    /* the newline behind the last row would scroll */
	    .rows = o->rows > 1 ? o->rows - 1 : o->rows,
	};
	size_t groups = t.rows && t.rows / 10 < GROUPS ? t.rows / 10 : GROUPS;
	size_t below = system_group_lines(v, true, groups) + system_loss_lines(v) + 2;
	int error, pid = 0;

	t.lines.rows = t.rows > below ? t.rows - (unsigned)below : t.rows;
	put_title(&t);
	system_put_memory(&t.lines, v);
	system_put_kills(&t.lines, v, KILLS);
	put_blank(&t);
	error = put_cgroups(&t);
	if (!error)
		error = put_procs(&t, &pid);
	t.lines.rows = t.rows;
	if (!error)
		error = system_put_groups(&t.lines, v, true, groups);
	system_put_losses(&t.lines, v);
	put_hints(&t, pid);
	if (!t.rows)
		lines_end(&t.lines);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
