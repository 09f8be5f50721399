/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From an instruction to its line: the line table of a code object, in the
 * form of its version.  Pure functions of bytes that are not trusted.
 */
#ifndef MS_PYTHON_LINES_H
#define MS_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

struct python_lines {
	unsigned minor; /* of version 3 */
	int first;      /* co_firstlineno */
	uint8_t *table; /* co_lnotab (3.9) or co_linetable */
	size_t size;
};

/*
 * The line of the instruction at `unit`, as tracebacks show it (f_lineno); 0 if
 * it has none.  MS_PYTHON_UNIT_START is before the first one.
 */
unsigned python_lines_find(const struct python_lines *lines, uint32_t unit);

#endif
