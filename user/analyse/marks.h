/* SPDX-License-Identifier: GPL-2.0 */
/* What a frame says of what the program is doing; what a range's name says. */
#ifndef MS_MARKS_H
#define MS_MARKS_H

#include "analyse/tensor.h"

/* The marks (MARK_*) of one Python frame. */
unsigned marks_of_frame(const char *function, const char *file);
/*
 * The marks of a native function, by its name as reports have it, if it is the innermost of its
 * stack for which this is true: it asks for memory, and does not only hand a request on.
 */
bool marks_of_native(const char *function, unsigned *marks);
/*
 * The marks of the statement that a frame is at; only where marks_want_statement(), given the
 * frame's marks, is it worth to be read.
 */
bool marks_want_statement(unsigned marks);
unsigned marks_of_statement(const char *text);
/* What a range stands for, by its name and the marks of who began it. */
enum stage_kind marks_of_range(const char *name, unsigned marks);

#endif
