/* SPDX-License-Identifier: GPL-2.0 */
/* Checks of what a user asked for.  Each says in one line what is wrong. */
#ifndef MS_CHECKS_H
#define MS_CHECKS_H

#include "options.h"
#include "target/target.h"

/* Whether every output can be written; 0 or a negative errno. */
int check_files(const struct options *options);
/* Whether every process can be traced, or the command be run; 0 or a negative errno. */
int check_targets(const struct options *options);
/* Whether every --probe has found its function; 0 or -ENOENT. */
int check_probes(const struct target *target, const struct probe_table *table, bool command);
/* Warns when no allocation function was found: the layers that have some have nothing to see. */
void check_functions(const struct target *target, const struct options *options);

#endif
