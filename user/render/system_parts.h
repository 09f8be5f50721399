/* SPDX-License-Identifier: GPL-2.0 */
/* What the table and the summary of the whole system say in the same way. */
#ifndef MS_SYSTEM_PARTS_H
#define MS_SYSTEM_PARTS_H

#include <stddef.h>

#include "render/lines.h"
#include "system/view.h"

/* The machine's memory, three lines. */
void system_put_memory(struct lines *l, const struct system_view *v);
/*
 * A line for each of at most `limit` groups of short-lived processes, those with
 * most of them first, and one for the rest: of the last refresh, or of all time.
 */
int system_put_groups(struct lines *l, const struct system_view *v, bool recent, size_t limit);
/* Lines that this would take. */
size_t system_group_lines(const struct system_view *v, bool recent, size_t limit);
/* A line for each of the last `limit` processes that the OOM killer chose, and one for the rest. */
void system_put_kills(struct lines *l, const struct system_view *v, size_t limit);
/* A line for each loss counter that is not 0, or one that says so; and how many. */
void system_put_losses(struct lines *l, const struct system_view *v);
size_t system_loss_lines(const struct system_view *v);

#endif
