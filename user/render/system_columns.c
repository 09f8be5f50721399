/* SPDX-License-Identifier: GPL-2.0 */
#include "render/system_columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define GAP 2       /* blanks between columns */
#define REST_MIN 24 /* cells for the one that has the rest of the line, if others can go */

const char *system_growth(char buffer[HUMAN_LEN], double bytes_per_s)
{
	return text_delta(buffer, fabs(bytes_per_s) < 1 ? 0 : (int64_t)bytes_per_s);
}

/* ---- columns of a process ------------------------------------------------------ */

#define SUBJECT(name) const char *name(char buffer[NAME_LEN], const struct system_subject *s)
#define VALUE(name) double name(const struct system_subject *s)

static SUBJECT(proc_pid)
{
	snprintf(buffer, NAME_LEN, "%d", s->proc->pid);
	return buffer;
}

static SUBJECT(proc_comm)
{
	(void)buffer;
	return s->proc->comm;
}

static SUBJECT(proc_container)
{
	(void)buffer;
	return s->proc->cgroup ? s->proc->cgroup->leaf : "";
}

static VALUE(proc_rss)
{
	return (double)s->proc->rss_bytes;
}

static SUBJECT(proc_rss_text)
{
	return text_bytes(buffer, s->proc->rss_bytes);
}

static VALUE(proc_growth)
{
	/* what shrinks is not what one looks for: as if it stood still */
	return s->proc->rates.bytes > 0 ? s->proc->rates.bytes : 0;
}

static SUBJECT(proc_growth_text)
{
	return system_growth(buffer, s->proc->rates.bytes);
}

static VALUE(proc_minor)
{
	return s->proc->rates.minor;
}

static SUBJECT(proc_minor_text)
{
	return text_count(buffer, (uint64_t)(s->proc->rates.minor + 0.5));
}

static VALUE(proc_major)
{
	return s->proc->rates.major;
}

static SUBJECT(proc_major_text)
{
	return text_count(buffer, (uint64_t)(s->proc->rates.major + 0.5));
}

static VALUE(proc_mapped)
{
	return (double)s->proc->mapped_bytes;
}

static SUBJECT(proc_mapped_text)
{
	return text_bytes(buffer, s->proc->mapped_bytes);
}

static VALUE(proc_swap)
{
	return (double)s->proc->swap_bytes;
}

static SUBJECT(proc_swap_text)
{
	return text_bytes(buffer, s->proc->swap_bytes);
}

static VALUE(proc_tables)
{
	return (double)s->proc->page_table_bytes;
}

static SUBJECT(proc_tables_text)
{
	return text_bytes(buffer, s->proc->page_table_bytes);
}

static VALUE(proc_oom)
{
	return s->proc->oom_score;
}

static SUBJECT(proc_oom_text)
{
	snprintf(buffer, NAME_LEN, "%d", s->proc->oom_score);
	return buffer;
}

static const struct system_column proc_rows[] = {
    {"PID", 8, 0, proc_pid, NULL, 0, NULL},
    {"COMMAND", -16, 0, proc_comm, NULL, 0, NULL},
    {"RSS", 9, 0, proc_rss_text, "rss", 'r', proc_rss},
    {"GROWTH/s", 10, 0, proc_growth_text, "growth", 'g', proc_growth},
    {"MINOR/s", 9, 2, proc_minor_text, "minor", 'n', proc_minor},
    {"MAJOR/s", 8, 3, proc_major_text, "major", 'j', proc_major},
    {"MAPPED", 9, 5, proc_mapped_text, "mapped", 'm', proc_mapped},
    {"SWAP", 9, 4, proc_swap_text, "swap", 's', proc_swap},
    {"TABLES", 9, 6, proc_tables_text, "tables", 't', proc_tables},
    {"OOM", 5, 1, proc_oom_text, "oom", 'o', proc_oom},
    {"CONTAINER", -26, 7, proc_container, NULL, 0, NULL},
};

#define PROC_ROWS (sizeof(proc_rows) / sizeof(proc_rows[0]))
#define SORT_RSS 2
#define SORT_GROWTH 3

const struct system_columns proc_columns = {proc_rows, PROC_ROWS};

/* ---- columns of a control group ------------------------------------------------- */

static SUBJECT(cgroup_usage_text)
{
	return s->cgroup->memory ? text_bytes(buffer, s->cgroup->usage_bytes) : "?";
}

static SUBJECT(cgroup_limit_text)
{
	return s->cgroup->limit_bytes ? text_bytes(buffer, s->cgroup->limit_bytes) : "-";
}

static SUBJECT(cgroup_percent_text)
{
	if (!s->cgroup->limit_bytes)
		return "-";
	snprintf(buffer, NAME_LEN, "%.1f",
		 100.0 * (double)s->cgroup->usage_bytes / (double)s->cgroup->limit_bytes);
	return buffer;
}

static SUBJECT(cgroup_growth_text)
{
	return system_growth(buffer, s->cgroup->rates.bytes);
}

static SUBJECT(cgroup_rss_text)
{
	return text_bytes(buffer, s->cgroup->rss_bytes);
}

static SUBJECT(cgroup_processes_text)
{
	return text_count(buffer, s->cgroup->processes);
}

static SUBJECT(cgroup_hits_text)
{
	return text_count(buffer, s->cgroup->limit_hits);
}

static SUBJECT(cgroup_kills_text)
{
	return text_count(buffer, s->cgroup->oom_kills);
}

static SUBJECT(cgroup_name)
{
	(void)buffer;
	return s->cgroup->name;
}

static VALUE(cgroup_usage)
{
	return (double)(s->cgroup->memory ? s->cgroup->usage_bytes : s->cgroup->rss_bytes);
}

static VALUE(cgroup_growth)
{
	return s->cgroup->rates.bytes > 0 ? s->cgroup->rates.bytes : 0;
}

static const struct system_column cgroup_rows[] = {
    {"USAGE", 10, 0, cgroup_usage_text, NULL, 0, NULL},
    {"LIMIT", 10, 0, cgroup_limit_text, NULL, 0, NULL},
    {"%", 6, 1, cgroup_percent_text, NULL, 0, NULL},
    {"GROWTH/s", 10, 0, cgroup_growth_text, NULL, 0, NULL},
    {"RSS", 9, 4, cgroup_rss_text, NULL, 0, NULL},
    {"PROCS", 6, 3, cgroup_processes_text, NULL, 0, NULL},
    {"LIMIT HIT", 9, 2, cgroup_hits_text, NULL, 0, NULL},
    {"OOM KILLS", 9, 2, cgroup_kills_text, NULL, 0, NULL},
    {"CONTAINER, CONTROL GROUP", 0, 0, cgroup_name, NULL, 0, NULL},
};

const struct system_columns cgroup_columns = {cgroup_rows,
					      sizeof(cgroup_rows) / sizeof(cgroup_rows[0])};

/* ---- orders ----------------------------------------------------------------------- */

int system_sort_by_name(const char *name)
{
	for (size_t i = 0; i < PROC_ROWS; i++)
		if (proc_rows[i].name && !strcmp(proc_rows[i].name, name))
			return (int)i;
	return -1;
}

int system_sort_by_key(int key)
{
	for (size_t i = 0; i < PROC_ROWS; i++)
		if (proc_rows[i].key && proc_rows[i].key == key)
			return (int)i;
	return -1;
}

int system_sort_default(void)
{
	return SORT_GROWTH;
}

const char *system_sort_names(void)
{
	static char text[PROC_ROWS * 10];
	size_t used = 0;

	for (size_t i = 0; i < PROC_ROWS; i++)
		if (proc_rows[i].name)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", proc_rows[i].name);
	return text;
}

/* Largest first; of equal ones those with most memory, then the first. */
struct order {
	double value, size;
	const void *subject;
};

static int compare_orders(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->subject < y->subject ? -1 : x->subject > y->subject;
}

/* The subjects in order, in place of the orders' memory. */
static const void **sort(struct order *orders, size_t count)
{
	const void **sorted = calloc(count + 1, sizeof(*sorted));

	if (sorted) {
		if (count)
			qsort(orders, count, sizeof(*orders), compare_orders);
		for (size_t i = 0; i < count; i++)
			sorted[i] = orders[i].subject;
	}
	free(orders);
	return sorted;
}

const struct proc **system_sorted_procs(const struct system_view *v, int by)
{
	struct order *orders = calloc(v->running_count + 1, sizeof(*orders));

	if (!orders)
		return NULL;
	for (size_t i = 0; i < v->running_count; i++) {
		struct system_subject s = {.proc = &v->running[i]};

		orders[i] = (struct order){proc_rows[by].value(&s), proc_rss(&s), s.proc};
	}
	return (const struct proc **)sort(orders, v->running_count);
}

const struct cgroup **system_sorted_cgroups(const struct system_view *v, int by)
{
	struct order *orders = calloc(v->cgroup_count + 1, sizeof(*orders));

	if (!orders)
		return NULL;
	for (size_t i = 0; i < v->cgroup_count; i++) {
		struct system_subject s = {.cgroup = v->cgroups[i]};

		orders[i] = (struct order){by == SORT_GROWTH ? cgroup_growth(&s) : cgroup_usage(&s),
					   cgroup_usage(&s), s.cgroup};
	}
	return (const struct cgroup **)sort(orders, v->cgroup_count);
}

/* ---- lines -------------------------------------------------------------------------- */

/* The highest rank that there is room for; all of them where lines have no limit. */
static unsigned rank_that_fits(const struct lines *l, const struct system_columns *columns)
{
	unsigned rank, highest = 0, width;

	for (size_t i = 0; i < columns->count; i++)
		if (columns->rows[i].rank > highest)
			highest = columns->rows[i].rank;
	for (rank = highest; rank && l->columns; rank--) {
		width = 0;
		for (size_t i = 0; i < columns->count; i++)
			if (columns->rows[i].rank <= rank)
				width += GAP + (columns->rows[i].width
						    ? (unsigned)abs(columns->rows[i].width)
						    : REST_MIN);
		if (width <= l->columns + GAP)
			break;
	}
	return rank;
}

static enum style style_of(const struct system_column *column, const struct system_subject *s)
{
	double growth = s->proc ? s->proc->rates.bytes : s->cgroup->rates.bytes;

	if ((column->text != proc_growth_text && column->text != cgroup_growth_text) ||
	    fabs(growth) < 1)
		return STYLE_PLAIN;
	return growth > 0 ? STYLE_GROW : STYLE_SHRINK;
}

/* The end of a path says more than its beginning. */
static void put_tail(struct lines *l, enum style style, const char *text)
{
	unsigned left = l->columns > l->column ? l->columns - l->column : 0;

	if (l->columns && lines_width(text) > left) {
		lines_put(l, style, "…");
		while (*text && lines_width(text) + 1 > left)
			utf8_next(&text);
	}
	lines_put(l, style, "%s", text);
}

static void put_cell(struct lines *l, const struct system_column *column, bool first,
		     enum style style, const char *text)
{
	if (!first)
		lines_put(l, STYLE_PLAIN, "%*s", GAP, "");
	if (column->width)
		lines_cell(l, style, column->width, text);
	else
		put_tail(l, style, text);
}

void system_put_titles(struct lines *l, const struct system_columns *columns, int sort)
{
	unsigned rank = rank_that_fits(l, columns);
	char title[NAME_LEN];

	for (size_t i = 0; i < columns->count; i++) {
		const struct system_column *column = &columns->rows[i];

		if (column->rank > rank)
			continue;
		snprintf(title, sizeof(title), "%s%s", (int)i == sort ? "↓" : "", column->title);
		put_cell(l, column, !i, STYLE_STRONG, title);
	}
	lines_end(l);
}

void system_put_row(struct lines *l, const struct system_columns *columns,
		    const struct system_subject *subject)
{
	unsigned rank = rank_that_fits(l, columns);
	char buffer[NAME_LEN];

	for (size_t i = 0; i < columns->count; i++) {
		const struct system_column *column = &columns->rows[i];

		if (column->rank <= rank)
			put_cell(l, column, !i, style_of(column, subject),
				 column->text(buffer, subject));
	}
	lines_end(l);
}
