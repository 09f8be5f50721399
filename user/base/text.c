/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text for people.  Everything a target controls goes through next_piece() or
 * text_print_xml() on its way out: what cannot be shown as it is becomes \xNN
 * on a terminal and U+FFFD in XML.
 */
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* ---- numbers ------------------------------------------------------------ */

/* Three significant digits, judged after rounding: 9.996 is "10.0", not "10.00". */
static int decimals(double value)
{
	return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *text_bytes(char buffer[HUMAN_LEN], uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buffer, HUMAN_LEN, "%" PRIu64 " B", bytes);
		return buffer;
	}
	/* 1023.5 would be printed as 1024 */
	while (value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(buffer, HUMAN_LEN, "%.*f %s", decimals(value), value, units[unit]);
	return buffer;
}

/* "3.00 KiB" -> "3 KiB", "1.20 MiB" -> "1.2 MiB". */
static void strip_zeros(char *text)
{
	char *point = strchr(text, '.');
	char *space = strchr(text, ' ');
	char *end = space;

	if (!point || !space)
		return;
	while (end[-1] == '0')
		end--;
	if (end - 1 == point)
		end--;
	memmove(end, space, strlen(space) + 1);
}

const char *text_delta(char buffer[HUMAN_LEN], int64_t bytes)
{
	char number[HUMAN_LEN];

	if (!bytes) {
		strcpy(buffer, "0");
		return buffer;
	}
	/* negated as unsigned, so that INT64_MIN has a value too */
	text_bytes(number, bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes);
	strip_zeros(number);
	snprintf(buffer, HUMAN_LEN, "%c%.30s", bytes < 0 ? '-' : '+', number);
	return buffer;
}

const char *text_seconds(char buffer[HUMAN_LEN], double seconds)
{
	uint64_t whole;

	if (!isfinite(seconds) || seconds > 1e15) {
		strcpy(buffer, "?");
	} else if (seconds < 0) {
		char positive[HUMAN_LEN];

		snprintf(buffer, HUMAN_LEN, "-%.30s", text_seconds(positive, -seconds));
	} else if (seconds < 0.5e-6) {
		strcpy(buffer, "0 s");
	} else if (seconds < 0.9995e-3) {
		snprintf(buffer, HUMAN_LEN, "%.0f µs", seconds * 1e6);
	} else if (seconds < 0.9995) {
		snprintf(buffer, HUMAN_LEN, "%.*f ms", decimals(seconds * 1e3), seconds * 1e3);
		strip_zeros(buffer);
	} else if (seconds < 59.95) {
		snprintf(buffer, HUMAN_LEN, "%.*f s", decimals(seconds), seconds);
	} else {
		whole = (uint64_t)(seconds + 0.5);
		if (whole < 3600)
			snprintf(buffer, HUMAN_LEN, "%u min %02u s", (unsigned)(whole / 60),
				 (unsigned)(whole % 60));
		else
			snprintf(buffer, HUMAN_LEN, "%" PRIu64 " h %02u min", whole / 3600,
				 (unsigned)(whole % 3600 / 60));
	}
	return buffer;
}

const char *text_count(char buffer[HUMAN_LEN], uint64_t count)
{
	char digits[HUMAN_LEN];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = buffer;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = 0;
	return buffer;
}

/* ---- text of the target, for a terminal --------------------------------- */

struct piece {
	char bytes[24]; /* one character, or \xNN for each of up to four bytes */
	unsigned length, cells;
};

/* The next character as it may be shown; false at the end. */
static bool next_piece(const char **text, struct piece *piece)
{
	const char *start = *text;
	int32_t code = utf8_next(text);

	if (!code)
		return false;
	piece->length = 0;
	if (code != UTF8_INVALID && !utf8_is_unsafe(code)) {
		piece->length = (unsigned)(*text - start);
		memcpy(piece->bytes, start, piece->length);
		piece->cells = utf8_cells(code);
		return true;
	}
	for (; start < *text; start++)
		piece->length += (unsigned)sprintf(piece->bytes + piece->length, "\\x%02x",
						   (unsigned char)*start);
	piece->cells = piece->length;
	return true;
}

/* Whether `text` fits into `max` cells; stops as soon as it does not. */
static bool fits(const char *text, size_t max)
{
	struct piece piece;
	size_t cells = 0;

	while (next_piece(&text, &piece)) {
		cells += piece.cells;
		if (cells > max)
			return false;
	}
	return true;
}

void text_print_safe(FILE *out, const char *text, size_t max)
{
	struct piece piece;
	size_t cells = 0;
	bool cut;

	if (!text)
		return;
	cut = max && !fits(text, max);
	while (next_piece(&text, &piece)) {
		cells += piece.cells;
		if (cut && cells > max - 1) {
			fputs("…", out);
			break;
		}
		fwrite(piece.bytes, 1, piece.length, out);
	}
}

const char *text_safe(char *buffer, size_t size, const char *text)
{
	struct piece piece;
	size_t used = 0;

	if (!size)
		return buffer;
	while (text && next_piece(&text, &piece)) {
		if (used + piece.length >= size)
			break;
		memcpy(buffer + used, piece.bytes, piece.length);
		used += piece.length;
	}
	buffer[used] = 0;
	return buffer;
}

/* ---- text of the target, for XML ---------------------------------------- */

static const char *xml_entity(int32_t code)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		/* a name must not add lines of its own to a tooltip */
		return " ";
	}
	return code == UTF8_INVALID || utf8_is_unsafe(code) ? "\xef\xbf\xbd" : NULL;
}

/* Nearly every byte of nearly every name: passed over without decoding. */
static bool xml_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '&' && byte != '<' && byte != '>' &&
	       byte != '"' && byte != '\'';
}

void text_print_xml(FILE *out, const char *text)
{
	const char *plain = text, *start, *entity;
	int32_t code;

	if (!text)
		return;
	for (;;) {
		while (xml_plain((unsigned char)*text))
			text++;
		start = text;
		code = utf8_next(&text);
		entity = code ? xml_entity(code) : "";
		if (!entity)
			continue;
		fwrite(plain, 1, (size_t)(start - plain), out);
		if (!code)
			break;
		fputs(entity, out);
		plain = text;
	}
}
