/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Three forms, each described in CPython's Objects/lnotab_notes.txt (3.9, 3.10)
 * and Objects/locations.md (3.11 and later).
 */
#include "unwind/python_lines.h"

#include <stdbool.h>

#include "python.h"

/* Lines are kept where they cannot overflow, whatever the deltas. */
#define LINE_LIMIT ((int64_t)1 << 40)

static int64_t line_add(int64_t line, int64_t delta)
{
	line += delta;
	return line > LINE_LIMIT ? LINE_LIMIT : line < -LINE_LIMIT ? -LINE_LIMIT : line;
}

/* 3.9: pairs (bytes further, lines further), each saying where the next line begins. */
static int64_t find_lnotab(const struct python_lines *lines, uint64_t byte)
{
	int64_t line = lines->first;
	uint64_t at = 0;
	size_t i;

	for (i = 0; i + 1 < lines->size; i += 2) {
		at += lines->table[i];
		if (at > byte)
			break;
		line = line_add(line, (int8_t)lines->table[i + 1]);
	}
	return line;
}

/* 3.10: pairs (bytes of a range, lines further); -128: the range has no line. */
static int64_t find_ranges(const struct python_lines *lines, uint64_t byte)
{
	int64_t line = lines->first;
	uint64_t end = 0;
	size_t i;

	for (i = 0; i + 1 < lines->size; i += 2) {
		int8_t delta = (int8_t)lines->table[i + 1];

		end += lines->table[i];
		if (delta != -128)
			line = line_add(line, delta);
		if (end > byte)
			return delta == -128 ? 0 : line;
	}
	return 0;
}

/* Codes of 3.11's entries, in bits 3 to 6 of the first byte. */
enum {
	CODE_ONE_LINE_0 = 10, /* the line is that many lines further: up to 12 */
	CODE_ONE_LINE_2 = 12,
	CODE_NO_COLUMNS = 13,
	CODE_LONG = 14,
	CODE_NONE = 15,
};

/* A signed number in groups of 6 bits, the lowest first; its sign is bit 0. */
static int64_t signed_varint(const uint8_t *at, const uint8_t *end)
{
	uint64_t value = 0;
	unsigned shift;

	for (shift = 0; at < end && shift < 36; shift += 6, at++) {
		value |= (uint64_t)(*at & 63) << shift;
		if (!(*at & 64))
			break;
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* 3.11: entries of 1 to 8 units; only an entry's first byte has its top bit set. */
static int64_t find_locations(const struct python_lines *lines, uint64_t unit)
{
	const uint8_t *at = lines->table, *end = at + lines->size;
	int64_t line = lines->first;
	uint64_t units = 0;

	while (at < end) {
		unsigned code = *at >> 3 & 15;

		units += (*at & 7) + 1;
		if (code == CODE_NO_COLUMNS || code == CODE_LONG)
			line = line_add(line, signed_varint(at + 1, end));
		else if (code >= CODE_ONE_LINE_0 && code <= CODE_ONE_LINE_2)
			line = line_add(line, code - CODE_ONE_LINE_0);
		if (units > unit)
			return code == CODE_NONE ? 0 : line;
		do
			at++;
		while (at < end && !(*at & 0x80));
	}
	return 0;
}

unsigned python_lines_find(const struct python_lines *lines, uint32_t unit)
{
	int64_t line;

	if (unit == MS_PYTHON_UNIT_START)
		line = lines->first;
	else if (lines->minor <= 9)
		line = find_lnotab(lines, (uint64_t)unit * 2);
	else if (lines->minor == 10)
		line = find_ranges(lines, (uint64_t)unit * 2);
	else
		line = find_locations(lines, unit);
	return line > 0 && line <= INT32_MAX ? (unsigned)line : 0;
}
