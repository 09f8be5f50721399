/* SPDX-License-Identifier: GPL-2.0 */
/* Pictures, read back: are they XML, and what do their tags say? */
#ifndef RENDER_XML_H
#define RENDER_XML_H

#include "render_workshop.h"

#include <ctype.h>

/* ---- is it XML? ----------------------------------------------------------------- */

#define XML_DEPTH 16

/* Past an entity that XML knows without a DTD. */
WORKSHOP const char *xml_entity(const char *p)
{
	static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(p, known[i], strlen(known[i])))
			return p + strlen(known[i]);
	fail_msg("entity: %.20s", p);
	return NULL;
}

/* Past the attributes of a tag, to its '>' or "/>". */
WORKSHOP const char *xml_attributes(const char *p)
{
	while (isspace((unsigned char)*p)) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p == '>' || *p == '/')
			break;
		while (isalnum((unsigned char)*p) || strchr(":-_", *p))
			p++;
		if (p[0] != '=' || p[1] != '"')
			fail_msg("attribute: %.40s", p);
		for (p += 2; *p && *p != '"';) {
			assert_int_not_equal(*p, '<');
			p = *p == '&' ? xml_entity(p) : p + 1;
		}
		assert_int_equal(*p++, '"');
	}
	return p;
}

/* Fails unless `text` is a document with one root in which all tags match. */
WORKSHOP void assert_xml(const char *text)
{
	const char *open[XML_DEPTH], *p = text;
	size_t length[XML_DEPTH], depth = 0, roots = 0;

	assert_harmless(text);
	assert_int_equal(strncmp(p, "<?xml ", 6), 0);
	for (p = strstr(p, "?>") + 2; *p;) {
		if (!strncmp(p, "<![CDATA[", 9)) {
			assert_true(depth > 0);
			for (p += 9; strncmp(p, "]]>", 3); p++)
				assert_int_not_equal(*p, 0);
			p += 3;
		} else if (*p == '<' && p[1] == '/') {
			assert_true(depth-- > 0);
			assert_int_equal(strncmp(p + 2, open[depth], length[depth]), 0);
			p += 2 + length[depth];
			assert_int_equal(*p++, '>');
		} else if (*p == '<') {
			assert_true(depth < XML_DEPTH && isalpha((unsigned char)p[1]));
			roots += depth == 0;
			open[depth] = ++p;
			while (isalnum((unsigned char)*p))
				p++;
			length[depth] = (size_t)(p - open[depth]);
			p = xml_attributes(p);
			if (*p == '/')
				p++;
			else
				depth++;
			assert_int_equal(*p++, '>');
		} else if (*p == '&') {
			p = xml_entity(p);
		} else {
			assert_int_not_equal(strncmp(p, "]]>", 3), 0);
			assert_true(depth > 0 || isspace((unsigned char)*p));
			p++;
		}
	}
	assert_int_equal(depth, 0);
	assert_int_equal(roots, 1);
}

/* The number behind `name="` in the tag at `p`. */
WORKSHOP double attribute(const char *p, const char *name)
{
	char key[32];
	const char *found;

	snprintf(key, sizeof(key), " %s=\"", name);
	found = strstr(p, key);
	assert_non_null(found);
	return strtod(found + strlen(key), NULL);
}

/* A picture of `s`, checked; to be freed. */
WORKSHOP char *picture(render_fn *render, const struct snapshot *s, enum metric metric)
{
	struct render_options o = {.metric = metric};
	char *text = rendered(render, s, &o);

	assert_xml(text);
	/* nothing is fetched from elsewhere: the addresses are names of formats */
	assert_int_equal(occurrences(text, "://"),
			 occurrences(text, "http://www.w3.org/2000/svg") +
			     occurrences(text, "http://www.w3.org/1999/xhtml"));
	return text;
}

#endif
