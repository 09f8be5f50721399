/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unwind tables that the kernel holds.  A file's table is made when a traced
 * process first maps it, shared by all that do, and goes when none does any more.
 */
#ifndef MS_TABLES_H
#define MS_TABLES_H

#include "collect/kernel.h"
#include "target/module.h"

struct tables;

/* At most `max_bytes` of kernel memory; 0: no tables at all. */
struct tables *tables_new(struct kernel *kernel, size_t max_bytes);
void tables_free(struct tables *tables);

/*
 * What to write into ms_mapping.table for code of `module`: its table, made if
 * need be and held from now on, or MS_TABLE_NO_ROWS, or 0 where there is no room
 * (which is counted, and said once a file).
 */
uint32_t tables_of(struct tables *tables, const struct module *module);
/* Lets go of what tables_of() gave for each of these. */
void tables_release(struct tables *tables, const struct ms_mappings *mappings);

/* Takes out what nobody has held since the last call. */
void tables_sweep(struct tables *tables);

#endif
