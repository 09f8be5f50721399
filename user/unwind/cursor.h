/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads DWARF's numbers from bytes that are not to be trusted.  What reaches
 * past the end reads as 0 and marks the cursor bad, so that a reader checks once,
 * after a group of fields.
 */
#ifndef MS_CURSOR_H
#define MS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t cursor_left(const struct cursor *c)
{
	return c->end - c->at;
}

/* The next `size` bytes, and moves past them; NULL if there are not that many. */
static inline const uint8_t *cursor_take(struct cursor *c, uint64_t size)
{
	const uint8_t *at = c->at;

	if (size > cursor_left(c)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += size;
	return at;
}

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t cursor_unsigned(struct cursor *c, size_t size)
{
	const uint8_t *at = cursor_take(c, size);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, size);
	return value;
}

static inline int64_t cursor_signed(struct cursor *c, size_t size)
{
	unsigned unused = 64 - 8 * size;

	return (int64_t)(cursor_unsigned(c, size) << unused) >> unused;
}

/* Bits beyond the 64th are dropped, as libdw does. */
static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned shift = 0;; shift += 7) {
		byte = cursor_unsigned(c, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = cursor_unsigned(c, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		value |= ~(uint64_t)0 << shift;
	return (int64_t)value;
}

/* The next `size` bytes as a cursor of their own. */
static inline struct cursor cursor_part(struct cursor *c, uint64_t size)
{
	const uint8_t *at = cursor_take(c, size);

	return at ? (struct cursor){at, at + size, false} : (struct cursor){c->end, c->end, true};
}

#endif
