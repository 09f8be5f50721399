/* SPDX-License-Identifier: GPL-2.0 */
/* What several outputs say in the same way: short names, where, titles, losses. */
#ifndef MS_PARTS_H
#define MS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "collect/snapshot.h"

#define NAME_LEN 256

/* The last component of a path, and the last two; "" for NULL. */
const char *part_basename(const char *path);
const char *part_tail(const char *path);

/*
 * A native function without its return type, arguments and template arguments:
 * "void at::foo<int>(long) const" -> "at::foo"; other names as they are.
 */
const char *part_short_name(char buffer[NAME_LEN], const struct frame *frame);

/* Where a frame is: "resnet.py:273", else the module "libc.so.6", else "". */
const char *part_place(char buffer[NAME_LEN], const struct frame *frame);

/*
 * A stack on one line from the leaf: "malloc < foo < bar".  Stops early, with
 * "< …", after about `cells` cells.  To be freed; NULL without memory.
 */
char *part_stack_line(const struct stack *stack, size_t cells);

/* "12.3 MiB" or "1,234" for METRIC_COUNT; the exact number with its unit. */
const char *part_value(char buffer[HUMAN_LEN], enum metric metric, uint64_t value);
const char *part_exact(char buffer[HUMAN_LEN + 16], enum metric metric, uint64_t value);

/* "comm (pid 123)"; a process that was replaced by exec says so. */
const char *part_process(char buffer[NAME_LEN], const struct process *process);

/* Number of loss counters that are not zero. */
size_t part_losses(const struct snapshot *s);

/*
 * Indices of the stacks of which `value` is not 0, largest first, ties in the
 * snapshot's order; *count of them.  `layer` LAYER_NR: all layers.  To be
 * freed; NULL without memory.
 */
typedef uint64_t part_value_fn(const struct stack *stack);
size_t *part_top(const struct snapshot *s, enum layer layer, part_value_fn *value, size_t *count);

#endif
