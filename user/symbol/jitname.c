/* SPDX-License-Identifier: GPL-2.0 */
/* One row for each way of naming. */
#include "symbol/jitname.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Copies the text from `start` up to `end`. */
static void copy(char out[NAME_SIZE], const char *start, const char *end)
{
	size_t length = (size_t)(end - start);
	char text[NAME_SIZE];

	if (length >= sizeof(text))
		length = sizeof(text) - 1;
	memcpy(text, start, length);
	text[length] = '\0';
	name_copy(out, NAME_SIZE, text);
}

/* Takes ":12" off the end of [start, *end); false if there is no number. */
static bool take_last_number(const char *start, const char **end, unsigned *number)
{
	const char *p = *end;

	while (p > start && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == *end || *end - p > 9 || p == start || p[-1] != ':')
		return false;
	*number = (unsigned)strtoul(p, NULL, 10);
	*end = p - 1;
	return true;
}

/*
 * V8: a mark of how it was compiled, the name, "" for an anonymous function,
 * and where it is: "*foo /path/a.js:12:3", or a URL or "node:fs" for the path.
 */
static bool parse_v8(const char *text, struct jit_name *name)
{
	const char *end = text + strlen(text), *blank;
	unsigned column;

	/*
	 * What V8 11.3 writes in a dump is of no use: the line of an inlined
	 * function as one of the outer function's file, and for Sparkplug's code
	 * offsets in the bytecode as addresses.
	 */
	name->exact = true;
	if (*text && strchr("~*^+", *text))
		text++;
	blank = strchr(text, ' ');
	if (!blank)
		blank = end;
	copy(name->function, text, blank);
	if (!*name->function)
		strcpy(name->function, "(anonymous)");
	if (blank == end)
		return true;
	/* Line and column, or only a line. */
	if (take_last_number(blank, &end, &column) && !take_last_number(blank, &end, &name->line))
		name->line = column;
	copy(name->file, !strncmp(blank + 1, "file://", 7) ? blank + 8 : blank + 1, end);
	return true;
}

/* LuaJIT: "12::file.lua:3", the number of the trace and where it begins. */
static bool parse_lua(const char *text, struct jit_name *name)
{
	const char *colons = strstr(text, "::"), *end = text + strlen(text);
	const char *trace = text - strlen("TRACE_");

	if (!colons || !take_last_number(colons + 2, &end, &name->line))
		return false;
	copy(name->function, trace, colons);
	copy(name->file, colons + 2, end);
	return true;
}

/* CPython's trampolines: "qualified.name:/path/file.py". */
static bool parse_python(const char *text, struct jit_name *name)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return false;
	copy(name->function, text, colon);
	copy(name->file, colon + 1, text + strlen(text));
	return true;
}

/* perf-map-agent: "com/foo/Bar;::method", after the L of a JVM's class name. */
static bool parse_agent(const char *text, struct jit_name *name)
{
	const char *end = strstr(text, ";::");
	char class[NAME_SIZE];
	char *p;

	if (!end)
		return false;
	copy(class, text, end);
	for (p = class; *p; p++)
		if (*p == '/')
			*p = '.';
	copy(name->function, class, class + strlen(class));
	end += strlen(";::");
	if (strlen(name->function) + 1 + strcspn(end, "(") >= NAME_SIZE)
		return false;
	strcat(name->function, ".");
	strncat(name->function, end, strcspn(end, "("));
	return true;
}

/* HotSpot's own map: "int[] com.foo.Bar.method(java.lang.String, int)". */
static bool parse_hotspot(const char *text, struct jit_name *name)
{
	const char *open = strchr(text, '('), *blank = strchr(text, ' ');
	size_t length = strlen(text);

	if (!open || !blank || blank > open || text[length - 1] != ')' ||
	    memchr(blank + 1, ' ', (size_t)(open - blank - 1)) ||
	    !memchr(blank, '.', (size_t)(open - blank)))
		return false;
	copy(name->function, blank + 1, open);
	return true;
}

static const struct form {
	const char *prefix;
	bool (*parse)(const char *rest, struct jit_name *name);
} forms[] = {
    {"JS:", parse_v8},       {"LazyCompile:", parse_v8},
    {"Function:", parse_v8}, {"InterpretedFunction:", parse_v8},
    {"Script:", parse_v8},   {"Eval:", parse_v8},
    {"TRACE_", parse_lua},   {"py::", parse_python},
    {"L", parse_agent},      {"", parse_hotspot},
};

void jit_name_parse(const char *raw, struct jit_name *name)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = strlen(forms[i].prefix);

		*name->function = *name->file = '\0';
		name->line = 0;
		name->exact = false;
		if (!strncmp(raw, forms[i].prefix, length) && forms[i].parse(raw + length, name) &&
		    *name->function)
			return;
	}
	*name->file = '\0';
	name->line = 0;
	name->exact = false;
	name_copy(name->function, sizeof(name->function), *raw ? raw : "?");
}
