/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The columns of processes and of control groups.  One column is one row of a
 * table in system_columns.c: its title, its text, and if it has a name, an order
 * for --sort and a key to ask for it.
 */
#ifndef MS_SYSTEM_COLUMNS_H
#define MS_SYSTEM_COLUMNS_H

#include <stdbool.h>

#include "render/lines.h"
#include "render/parts.h"
#include "system/view.h"

/* What a row is about: one of the two. */
struct system_subject {
	const struct proc *proc;
	const struct cgroup *cgroup;
};

struct system_column {
	const char *title;
	int width;     /* cells; negative: left-aligned; 0: the rest of the line */
	unsigned rank; /* where there is no room for all, those of a high rank go first */
	const char *(*text)(char buffer[NAME_LEN], const struct system_subject *subject);
	const char *name; /* for --sort, NULL: there is no such order */
	int key;          /* the same on the keyboard */
	double (*value)(const struct system_subject *subject); /* largest first */
};

struct system_columns {
	const struct system_column *rows;
	size_t count;
};

extern const struct system_columns proc_columns, cgroup_columns;

/* The number of the column to sort by, of proc_columns; -1 if there is none. */
int system_sort_by_name(const char *name);
int system_sort_by_key(int key);
int system_sort_default(void);
/* "rss, growth, …", for messages; static storage. */
const char *system_sort_names(void);

/*
 * Pointers to the running processes in the order of a column, and to the control
 * groups in the order that is nearest to it.  To be freed; NULL without memory.
 */
const struct proc **system_sorted_procs(const struct system_view *v, int by);
const struct cgroup **system_sorted_cgroups(const struct system_view *v, int by);

/* How fast a number of bytes grows: "+1.2 MiB"; what is nearly nothing is "0". */
const char *system_growth(char buffer[HUMAN_LEN], double bytes_per_s);

/* A line of titles, with an arrow at the one that is sorted by (-1: none), and a row. */
void system_put_titles(struct lines *l, const struct system_columns *columns, int sort);
void system_put_row(struct lines *l, const struct system_columns *columns,
		    const struct system_subject *subject);

#endif
