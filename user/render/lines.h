/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines of text for people: fitted to a width, coloured where that is wanted,
 * never more of them than there are rows, and all text made harmless.
 */
#ifndef MS_LINES_H
#define MS_LINES_H

#include <stdbool.h>
#include <stdio.h>

enum style {
	STYLE_PLAIN,
	STYLE_HEAD,
	STYLE_STRONG,
	STYLE_DIM,
	STYLE_GROW,
	STYLE_SHRINK,
	STYLE_LOSS,
	STYLE_WARN,
};

struct lines {
	FILE *out;
	unsigned columns; /* 0: no limit */
	unsigned rows;    /* 0: no limit; lines beyond it are not printed */
	bool colour;
	unsigned row, column; /* where we are */
};

/* Cells of `text` when printed. */
unsigned lines_width(const char *text);
/* Whether another line may be printed. */
bool lines_room(const struct lines *l);
/* Appends to the line, cut at its end. */
void lines_put(struct lines *l, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends `text` padded to |width| cells, and cut there; negative: left-aligned. */
void lines_cell(struct lines *l, enum style style, int width, const char *text);
/* Ends the line. */
void lines_end(struct lines *l);

#endif
