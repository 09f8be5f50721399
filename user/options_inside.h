/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of options*.c: a row, and what takes its value. */
#ifndef MS_OPTIONS_INSIDE_H
#define MS_OPTIONS_INSIDE_H

#include "options.h"

/* `argument` is the row.  0, 1 to leave with status 0, or -EINVAL and one line was printed. */
typedef int option_fn(struct options *o, const char *value, const void *argument);

struct option_row {
	const char *group;
	char letter; /* 0: only the long form */
	const char *name;
	const char *value; /* what --help calls it; NULL: takes none */
	const char *help;
	option_fn *set;
	size_t offset; /* of the field, for the functions that set one */
};

/* options_values.c */
extern option_fn options_set_pids, options_set_output, options_set_plot, options_set_metric,
    options_set_by, options_set_sort, options_set_layers, options_set_probe, options_set_stage,
    options_set_category, options_set_refused, options_set_size, options_set_device,
    options_set_seconds, options_set_flag;

/*
 * options_together.c: whether those that were given go together, in `given` in their order, and
 * what is left of the line.  0, or -EINVAL and one line was printed.
 */
int options_check(int argc, char **argv, struct options *o, const struct option_row *const *given);

/* options.c: the word that asks for it, NULL if none does. */
const char *options_verb_name(enum verb verb);

#endif
