/* SPDX-License-Identifier: GPL-2.0 */
/* What both pictures are drawn with: the document's frame, text, numbers, the common look. */
#ifndef MS_SVG_H
#define MS_SVG_H

#include <stdio.h>

#include "collect/snapshot.h"

#define SVG_WIDTH 1200
#define SVG_MARGIN 16
/* A character of the labels' monospace type at its size of 12 px, rounded up. */
#define SVG_CHAR 7.25

/*
 * The document's start: size, the common rules and then `style`, background.
 * `label` says in a few words what the picture is; `attributes` go into the
 * root element.  All three are our own text.
 */
void svg_begin(FILE *out, const char *label, const char *attributes, const char *style,
	       unsigned height);
/* The end, with `script` (our own text, one line an element, ended by NULL) inside. */
void svg_end(FILE *out, const char *const *script);

/* Text of class `css` at (x, y), escaped. */
void svg_text(FILE *out, double x, double y, const char *css, const char *text);
/*
 * The same for proportional type of `px` pixels that must not be wider than
 * `width`: cut with "…" where it may be, and then the whole is its tooltip.
 */
void svg_text_fitted(FILE *out, double x, double y, const char *css, const char *text, double px,
		     double width);
/* `text` escaped, cut with "…" to `cells` monospace cells. */
void svg_label(FILE *out, const char *text, unsigned cells);
/* A coordinate: at most two decimals, no more than needed. */
void svg_number(FILE *out, double value);

/* A line in red that names the loss counters that are not zero; nothing if all are. */
void svg_losses(FILE *out, const struct snapshot *s, double y);

/* The scripts, in files of their own. */
extern const char *const flame_script[];
extern const char *const timeline_script[];

#endif
