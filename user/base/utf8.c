/* SPDX-License-Identifier: GPL-2.0 */
/*
 * UTF-8 read strictly.  Not mbrtowc() and wcwidth(): those follow the locale,
 * and under sudo or in a container that is often "C", where every name outside
 * ASCII would look invalid.
 */
#include "base/utf8.h"

struct range {
	int32_t first, last;
};

static bool in_ranges(int32_t code, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count && code >= ranges[i].first; i++)
		if (code <= ranges[i].last)
			return true;
	return false;
}

int32_t utf8_next(const char **text)
{
	static const int32_t smallest[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)*text;
	int32_t code;
	int more;

	if (*p < 0x80) {
		*text += *p != 0;
		return *p;
	}
	(*text)++;
	if (*p >= 0xc2 && *p <= 0xdf) {
		more = 1;
		code = *p & 0x1f;
	} else if (*p >= 0xe0 && *p <= 0xef) {
		more = 2;
		code = *p & 0x0f;
	} else if (*p >= 0xf0 && *p <= 0xf4) {
		more = 3;
		code = *p & 0x07;
	} else {
		return UTF8_INVALID;
	}
	for (int i = 1; i <= more; i++) {
		/* the terminating NUL is no continuation byte: never read past it */
		if ((p[i] & 0xc0) != 0x80)
			return UTF8_INVALID;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return UTF8_INVALID;
	*text += more;
	return code;
}

bool utf8_is_unsafe(int32_t code)
{
	static const struct range ranges[] = {
	    {0x0000, 0x001f},   /* C0 controls */
	    {0x007f, 0x009f},   /* DEL and C1 controls: 0x9b starts a sequence as ESC [ does */
	    {0x00ad, 0x00ad},   /* soft hyphen */
	    {0x061c, 0x061c},   /* Arabic letter mark */
	    {0x200b, 0x200f},   /* zero width, direction marks */
	    {0x2028, 0x202e},   /* line and paragraph separators, direction overrides */
	    {0x2060, 0x206f},   /* invisible operators, direction isolates */
	    {0xfeff, 0xfeff},   /* byte order mark */
	    {0xfff9, 0xfffb},   /* interlinear annotation */
	    {0xfffe, 0xffff},   /* no characters, forbidden in XML */
	    {0xe0000, 0xe0fff}, /* tags, variation selectors */
	};

	return in_ranges(code, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

unsigned utf8_cells(int32_t code)
{
	static const struct range combining[] = {
	    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
	    {0x064b, 0x065f}, {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0e31, 0x0e31},
	    {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
	    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
	};
	static const struct range wide[] = {
	    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
	    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
	    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
	    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	if (code < 0x300)
		return 1;
	if (in_ranges(code, combining, sizeof(combining) / sizeof(combining[0])))
		return 0;
	return in_ranges(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}
