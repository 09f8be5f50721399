/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of text for people. */
#include "render/lines.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/utf8.h"

static const char *const style_codes[] = {
    [STYLE_PLAIN] = "",  [STYLE_HEAD] = "1;4",  [STYLE_STRONG] = "1",  [STYLE_DIM] = "2",
    [STYLE_GROW] = "31", [STYLE_SHRINK] = "32", [STYLE_LOSS] = "1;31", [STYLE_WARN] = "33",
};

unsigned lines_width(const char *text)
{
	unsigned width = 0;

	while (*text) {
		const char *start = text;
		int32_t code = utf8_next(&text);

		/* shown as \xNN */
		if (code == UTF8_INVALID || utf8_is_unsafe(code))
			width += 4 * (unsigned)(text - start);
		else
			width += utf8_cells(code);
	}
	return width;
}

bool lines_room(const struct lines *l)
{
	return !l->rows || l->row < l->rows;
}

/* Cells left in this line; UINT_MAX without a limit. */
static unsigned cells_left(const struct lines *l)
{
	if (!l->columns)
		return (unsigned)-1;
	return l->column < l->columns ? l->columns - l->column : 0;
}

static void put_text(struct lines *l, enum style style, const char *text)
{
	unsigned width = lines_width(text), left = cells_left(l);
	bool styled = l->colour && style_codes[style][0];

	if (!lines_room(l) || !left || !width)
		return;
	if (styled)
		fprintf(l->out, "\033[%sm", style_codes[style]);
	text_print_safe(l->out, text, l->columns ? left : 0);
	if (styled)
		fputs("\033[0m", l->out);
	l->column += width < left ? width : left;
}

void lines_put(struct lines *l, enum style style, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0) {
		put_text(l, style, text);
		free(text);
	}
	va_end(args);
}

static void put_blanks(struct lines *l, unsigned count)
{
	unsigned left = cells_left(l);

	if (!lines_room(l))
		return;
	if (count > left)
		count = left;
	l->column += count;
	fprintf(l->out, "%*s", (int)count, "");
}

void lines_cell(struct lines *l, enum style style, int width, const char *text)
{
	unsigned room = (unsigned)abs(width), used = lines_width(text);
	unsigned columns = l->columns, end = l->column + room;

	/* cut at the cell's end by making that the line's */
	if (!columns || end < columns)
		l->columns = end;
	if (width > 0 && used < room)
		put_blanks(l, room - used);
	put_text(l, style, text);
	if (width < 0 && used < room)
		put_blanks(l, room - used);
	l->columns = columns;
}

void lines_end(struct lines *l)
{
	if (!lines_room(l))
		return;
	fputc('\n', l->out);
	l->row++;
	l->column = 0;
}
