/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Diagnostics on stderr.  A line is one write, so that the target's own output
 * cannot land in the middle of it.
 */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

/* The one piece of state of the program's own: set once, while options are read. */
static bool verbose;

void log_set_verbose(bool on)
{
	verbose = on;
}

bool log_is_verbose(void)
{
	return verbose;
}

static void write_line(const char *prefix, const char *format, va_list args)
{
	char *text = NULL, *line = NULL;
	size_t length = 0;
	FILE *memory;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	memory = open_memstream(&line, &length);
	if (memory) {
		fprintf(memory, "memsnoop: %s", prefix);
		/* out of memory: the format alone still says what happened */
		text_print_safe(memory, text ? text : format, 0);
		fputc('\n', memory);
		fclose(memory);
	}
	if (line)
		fwrite(line, 1, length, stderr);
	else
		fputs("memsnoop: out of memory\n", stderr);
	free(line);
	free(text);
}

int log_error(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line("", format, args);
	va_end(args);
	return error;
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line("warning: ", format, args);
	va_end(args);
}

void log_verbose(const char *format, ...)
{
	va_list args;

	if (!verbose)
		return;
	va_start(args, format);
	write_line("", format, args);
	va_end(args);
}
