/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text at the end of a run over the whole system: what grew most, what was
 * too short to be seen, and last whatever was lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "render/lines.h"
#include "render/system_columns.h"
#include "render/system_parts.h"
#include "render/system_render.h"

#define DEFAULT_TOP 10

struct summary {
	struct lines lines;
	const struct system_view *v;
	size_t top;
};

static void heading(struct summary *m, const char *text)
{
	lines_end(&m->lines);
	lines_put(&m->lines, STYLE_HEAD, "%s", text);
	lines_end(&m->lines);
}

/* ---- processes ------------------------------------------------------------------- */

static int compare_procs(const void *a, const void *b)
{
	const struct proc *x = *(const struct proc *const *)a;
	const struct proc *y = *(const struct proc *const *)b;

	if (x->growth_bytes != y->growth_bytes)
		return x->growth_bytes > y->growth_bytes ? -1 : 1;
	if (x->rss_bytes != y->rss_bytes)
		return x->rss_bytes > y->rss_bytes ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Those that run and those that ended, what grew most first. */
static const struct proc **by_growth(const struct system_view *v)
{
	size_t count = v->running_count + v->ended_count;
	const struct proc **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < v->running_count; i++)
		sorted[i] = &v->running[i];
	for (size_t i = 0; i < v->ended_count; i++)
		sorted[v->running_count + i] = &v->ended[i];
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_procs);
	return sorted;
}

static void put_proc(struct summary *m, const struct proc *p)
{
	char text[HUMAN_LEN];

	lines_cell(&m->lines, STYLE_STRONG, 12, text_delta(text, p->growth_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, text_bytes(text, p->rss_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, text_bytes(text, p->rss_peak_bytes));
	lines_put(&m->lines, STYLE_PLAIN, "%9d  %s", p->pid, p->comm);
	if (p->cgroup && p->cgroup->leaf)
		lines_put(&m->lines, STYLE_PLAIN, ", in %s", p->cgroup->leaf);
	else if (*p->container)
		lines_put(&m->lines, STYLE_PLAIN, ", in container %.12s", p->container);
	if (p->ended && p->exit_known)
		lines_put(&m->lines, STYLE_PLAIN, ", ended with status %d", p->exit_code);
	else if (p->ended)
		lines_put(&m->lines, STYLE_PLAIN, ", ended");
	lines_end(&m->lines);
}

static int put_procs(struct summary *m)
{
	const struct proc **sorted = by_growth(m->v);
	size_t count = m->v->running_count + m->v->ended_count, shown = 0;

	if (!sorted)
		return -ENOMEM;
	heading(m, "Processes that grew most");
	while (shown < count && shown < m->top && sorted[shown]->growth_bytes > 0) {
		if (!shown) {
			lines_put(&m->lines, STYLE_DIM, "%12s%12s%12s%9s  %s", "growth", "RSS",
				  "peak RSS", "pid", "name");
			lines_end(&m->lines);
		}
		put_proc(m, sorted[shown++]);
	}
	if (!shown) {
		lines_put(&m->lines, STYLE_PLAIN, "  none grew");
		lines_end(&m->lines);
	}
	free(sorted);
	return 0;
}

/* ---- control groups ---------------------------------------------------------------- */

static int compare_cgroups(const void *a, const void *b)
{
	const struct cgroup *x = *(const struct cgroup *const *)a;
	const struct cgroup *y = *(const struct cgroup *const *)b;

	if (x->growth_bytes != y->growth_bytes)
		return x->growth_bytes > y->growth_bytes ? -1 : 1;
	if (x->usage_bytes != y->usage_bytes)
		return x->usage_bytes > y->usage_bytes ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_cgroup(struct summary *m, const struct cgroup *g)
{
	char text[HUMAN_LEN];

	lines_cell(&m->lines, STYLE_STRONG, 12, text_delta(text, g->growth_bytes));
	lines_cell(&m->lines, STYLE_PLAIN, 12, g->memory ? text_bytes(text, g->usage_bytes) : "?");
	lines_cell(&m->lines, STYLE_PLAIN, 12,
		   g->limit_bytes ? text_bytes(text, g->limit_bytes) : "-");
	lines_put(&m->lines, STYLE_PLAIN, "  %s", g->name);
	lines_end(&m->lines);
}

static int put_cgroups(struct summary *m)
{
	size_t count = m->v->cgroup_count;
	const struct cgroup **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = m->v->cgroups[i];
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_cgroups);
	if (count && sorted[0]->growth_bytes > 0) {
		heading(m, "Control groups that grew most");
		lines_put(&m->lines, STYLE_DIM, "%12s%12s%12s  %s", "growth", "usage", "limit",
			  "name");
		lines_end(&m->lines);
	}
	for (size_t i = 0; i < count && i < m->top && sorted[i]->growth_bytes > 0; i++)
		put_cgroup(m, sorted[i]);
	free(sorted);
	return 0;
}

int render_system_summary(FILE *out, const struct system_view *v, const struct system_look *look)
{
	struct summary m = {
	    .lines = {.out = out, .colour = look->options.colour},
	    .v = v,
	    .top = look->options.top ? look->options.top : DEFAULT_TOP,
	};
	char time[HUMAN_LEN], each[HUMAN_LEN];
	int error;

	lines_put(&m.lines, STYLE_STRONG, "memsnoop: the whole system, %s",
		  text_seconds(time, v->duration_s));
	lines_put(&m.lines, STYLE_PLAIN, ", %zu processes; looked %llu times, %s each",
		  v->running_count, (unsigned long long)v->refreshes,
		  text_seconds(each, v->refresh_s));
	lines_end(&m.lines);
	system_put_memory(&m.lines, v);
	system_put_kills(&m.lines, v, m.top);
	error = put_procs(&m);
	if (!error)
		error = put_cgroups(&m);
	if (system_group_lines(v, false, m.top)) {
		heading(&m, "Processes that lived less than the time between two looks");
		if (!error)
			error = system_put_groups(&m.lines, v, false, m.top);
	}
	lines_end(&m.lines);
	system_put_losses(&m.lines, v);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
