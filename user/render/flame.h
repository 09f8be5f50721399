/* SPDX-License-Identifier: GPL-2.0 */
/* Inside flame.c and flame_words.c: one picture. */
#ifndef MS_FLAME_H
#define MS_FLAME_H

#include <stdio.h>

#include "render/frametree.h"
#include "render/palette.h"

#define GRAPH_WIDTH (SVG_WIDTH - 2 * SVG_MARGIN)
#define GRAPH_TOP 88
#define ROW 18
#define SMALLEST 0.1 /* px: narrower boxes are counted, not drawn */
/* What the script's search field needs at the top right. */
#define CONTROLS 400

struct flame {
	FILE *out;
	const struct snapshot *s;
	struct frametree tree;
	enum metric metric;
	bool by_category;
	double scale; /* px per unit of the metric */
	uint32_t rows;
	double bottom; /* y of the root's lower edge */
	uint32_t drawn, hidden;
	bool families[PALETTE_NR]; /* those that occur in what is drawn */
};

/* "Held at the peak: heap 812 MiB (851,443,712 bytes) after 3.42 s". */
void flame_caption(const struct flame *f);
/* What a reader must know about these numbers, on one line. */
void flame_remarks(const struct flame *f);
/* The families of frames that occur, from `y` on. */
void flame_legend(const struct flame *f, double y);
/* In place of the boxes, where there are none. */
void flame_empty(const struct flame *f);

#endif
