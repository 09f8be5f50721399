/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both pictures are drawn with.  Colours stand in class rules, light first
 * and dark as an override, without variables: viewers that are no browsers
 * then draw the light picture.
 */
#include "render/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "render/lines.h"
#include "render/parts.h"

static const char common_style[] =
    "svg{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,"
    "\"DejaVu Sans\",sans-serif;font-size:12px}\n"
    ".bg{fill:#fff}\n"
    "text{fill:#1f2328}\n"
    "text.title{font-size:17px;font-weight:600}\n"
    "text.sub{font-size:13px;fill:#424a53}\n"
    "text.note{font-size:12px;fill:#656d76}\n"
    "text.loss{font-size:12px;font-weight:600;fill:#b42318}\n"
    "text.empty{font-size:15px;fill:#656d76;text-anchor:middle}\n"
    ".frame{fill:none;stroke:#d0d7de}\n"
    "@media (prefers-color-scheme:dark){\n"
    "svg{background:#0f1419}\n"
    ".bg{fill:#0f1419}\n"
    "text{fill:#e6edf3}\n"
    "text.sub{fill:#c0c8d0}\n"
    "text.note,text.empty{fill:#9aa4ae}\n"
    "text.loss{fill:#ff7b72}\n"
    ".frame{stroke:#363d46}\n"
    "}\n";

void svg_begin(FILE *out, const char *label, const char *attributes, const char *style,
	       unsigned height)
{
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
		"height=\"%u\" viewBox=\"0 0 %d %u\" role=\"group\" aria-label=\"%s\"%s%s>\n"
		"<style><![CDATA[\n%s%s]]></style>\n"
		"<rect class=\"bg\" width=\"100%%\" height=\"100%%\"/>\n",
		SVG_WIDTH, height, SVG_WIDTH, height, label, *attributes ? " " : "", attributes,
		common_style, style);
}

void svg_end(FILE *out, const char *const *script)
{
	fputs("<script><![CDATA[\n", out);
	for (; *script; script++)
		fprintf(out, "%s\n", *script);
	fputs("]]></script>\n</svg>\n", out);
}

/* Not printf(): a picture has some hundred thousand coordinates. */
void svg_number(FILE *out, double value)
{
	char text[24], *p = text + sizeof(text);
	long hundredths;
	bool negative;

	/* keeps the document readable whatever a caller's arithmetic did */
	if (!isfinite(value) || fabs(value) > 1e9)
		value = 0;
	hundredths = lround(value * 100);
	negative = hundredths < 0;
	hundredths = labs(hundredths);
	if (hundredths % 100) {
		if (hundredths % 10)
			*--p = (char)('0' + hundredths % 10);
		*--p = (char)('0' + hundredths / 10 % 10);
		*--p = '.';
	}
	hundredths /= 100;
	do
		*--p = (char)('0' + hundredths % 10);
	while (hundredths /= 10);
	if (negative)
		*--p = '-';
	fwrite(p, 1, (size_t)(text + sizeof(text) - p), out);
}

static void begin_text(FILE *out, double x, double y, const char *css)
{
	fputs("<text x=\"", out);
	svg_number(out, x);
	fputs("\" y=\"", out);
	svg_number(out, y);
	fprintf(out, "\" class=\"%s\">", css);
}

void svg_text(FILE *out, double x, double y, const char *css, const char *text)
{
	begin_text(out, x, y, css);
	text_print_xml(out, text);
	fputs("</text>\n", out);
}

void svg_label(FILE *out, const char *text, unsigned cells)
{
	const char *p = text, *cut = text;
	unsigned used = 0;
	char *start;

	while (*p && used <= cells) {
		int32_t code;

		/* up to here there is still room for the dots */
		if (used < cells)
			cut = p;
		code = utf8_next(&p);
		used += code == UTF8_INVALID ? 1 : utf8_cells(code);
	}
	if (used <= cells) {
		text_print_xml(out, text);
		return;
	}
	start = strndup(text, (size_t)(cut - text));
	text_print_xml(out, start);
	free(start);
	fputs("…", out);
}

void svg_text_fitted(FILE *out, double x, double y, const char *css, const char *text, double px,
		     double width)
{
	/* a mean character takes half its size; names in capitals more */
	unsigned cells = (unsigned)(width / (px * 0.58));

	begin_text(out, x, y, css);
	svg_label(out, text, cells);
	if (lines_width(text) > cells) {
		fputs("<title>", out);
		text_print_xml(out, text);
		fputs("</title>", out);
	}
	fputs("</text>\n", out);
}

void svg_losses(FILE *out, const struct snapshot *s, double y)
{
	char number[HUMAN_LEN], *text = NULL;
	size_t length = 0;
	FILE *line;

	if (!part_losses(s))
		return;
	line = open_memstream(&text, &length);
	if (!line)
		return;
	fputs("Lost: ", line);
	for (size_t i = 0, shown = 0; i < s->loss_count; i++)
		if (s->losses[i].count)
			fprintf(line, "%s%s %s", shown++ ? "; " : "",
				text_count(number, s->losses[i].count), s->losses[i].text);
	fclose(line);
	svg_text_fitted(out, SVG_MARGIN, y, "loss", text ? text : "Lost: see the summary", 12,
			SVG_WIDTH - 2 * SVG_MARGIN);
	free(text);
}
