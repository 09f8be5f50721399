/* SPDX-License-Identifier: GPL-2.0 */
/* Where things are in CPython's structures: one row for each minor version. */
#ifndef MS_PYTHON_OFFSETS_H
#define MS_PYTHON_OFFSETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "python.h"

#define PYTHON_MINOR_FIRST 9
#define PYTHON_MINOR_LAST 14
#define PYTHON_MINOR_SAYS 13 /* from here on the interpreter says itself */
#define PYTHON_SAYS_NR 64    /* numbers at the start of its _PyRuntime */

/* A row: struct ms_python without addresses, and where the list of interpreters is. */
struct python_offsets {
	struct ms_python_walk walk;
	struct ms_python_code code;
	uint16_t interpreters; /* in _PyRuntime */
};

/* The row of version 3.`minor`, of release builds; NULL if there is none. */
const struct python_offsets *python_offsets_find(unsigned minor);
/*
 * From 3.13 on the interpreter says itself: reads what it says at the start of
 * its _PyRuntime, at `runtime`, over the row in *offsets.  0, -EFAULT and such, or
 * -ENOTSUP with one line in `why`.
 */
int python_offsets_read(pid_t pid, uint64_t runtime, struct python_offsets *offsets, char *why,
			size_t why_size);
/* The same from numbers that were read: 0 or -ENOTSUP. */
int python_offsets_take(const uint64_t numbers[PYTHON_SAYS_NR], struct python_offsets *offsets,
			char *why, size_t why_size);

#endif
