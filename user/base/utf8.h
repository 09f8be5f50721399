/* SPDX-License-Identifier: GPL-2.0 */
/* UTF-8 read strictly, and how many terminal cells a character takes. */
#ifndef MS_UTF8_H
#define MS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID (-1)

/*
 * The code point at *text, which is moved past it.  At the terminating NUL: 0,
 * and *text stays.  At a byte that starts no valid sequence (also overlong
 * forms and surrogates): UTF8_INVALID, and *text is moved by one byte.
 */
int32_t utf8_next(const char **text);

/*
 * Whether a code point must not be shown as it is: control characters, and the
 * invisible ones that reorder or hide the text around them.
 */
bool utf8_is_unsafe(int32_t code);

/* Cells on a terminal: 0 for a combining mark, 2 for a wide character, else 1. */
unsigned utf8_cells(int32_t code);

#endif
