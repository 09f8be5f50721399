/* SPDX-License-Identifier: GPL-2.0 */
/* For the tests of unwind tables: a directory where files are assembled, and tables as text. */
#ifndef UNWIND_WORKSHOP_H
#define UNWIND_WORKSHOP_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tools/unwind_text.h"
#include "unwind/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Not every test uses every tool. */
#define WORKSHOP __attribute__((unused)) static

static char work[] = "/tmp/unwind_test.XXXXXX";

WORKSHOP const char *path_of(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", work, name);
	return path;
}

/* Runs a command in the directory, which must succeed. */
__attribute__((format(printf, 1, 2))) WORKSHOP void run(const char *format, ...)
{
	char command[1024];
	va_list args;
	int used = snprintf(command, sizeof(command), "cd %s && ", work);

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

WORKSHOP void write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

WORKSHOP uint8_t *read_file(const char *name, size_t *size)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	bytes = malloc(*size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, *size), st.st_size);
	close(fd);
	return bytes;
}

/* Assembles `source` and links it to `name`. */
WORKSHOP void assemble(const char *name, const char *source, const char *options)
{
	write_file("source.s", source, strlen(source));
	/* The linker has opinions on odd files. */
	run("{ gcc -nostdlib %s -o %s source.s 2>said || { cat said; false; }; }", options, name);
}

WORKSHOP int build_file(const char *name, size_t max, struct unwind_table *table)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	assert_true(fd >= 0);
	err = unwind_table_build(fd, max, table);
	/* It is the caller's, still, and not moved. */
	assert_true(fcntl(fd, F_GETFD) >= 0);
	close(fd);
	if (!err)
		assert_int_equal(unwind_table_check(table), 0);
	return err;
}

/* From the first rule to the last one: "length rule; length rule; ...", lengths in hex. */
WORKSHOP const char *table_text(const struct unwind_table *table)
{
	static char text[8192];
	char rule[UNWIND_TEXT_SIZE];
	struct unwind_span span = {0};
	size_t used = 0, last = 0;

	text[0] = '\0';
	while (unwind_table_next(table, &span)) {
		if (!used && span.rule->kind == MS_RULE_NONE)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lx %s",
					 used ? "; " : "", (unsigned long)(span.end - span.start),
					 unwind_text(span.rule, rule));
		assert_true(used < sizeof(text));
		if (span.rule->kind != MS_RULE_NONE)
			last = used;
	}
	text[last] = '\0';
	return text;
}

WORKSHOP void expect_table(const char *name, const char *expected)
{
	struct unwind_table table;
	int err = build_file(name, UNWIND_TABLE_MAX, &table);

	if (err)
		fail_msg("%s: %s", name, strerror(-err));
	if (strcmp(table_text(&table), expected))
		fail_msg("%s: expected \"%s\", got \"%s\"", name, expected, table_text(&table));
	unwind_table_free(&table);
}

WORKSHOP int set_up(void **state)
{
	(void)state;
	return mkdtemp(work) ? 0 : -1;
}

WORKSHOP int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

WORKSHOP int clean_up(void **state)
{
	(void)state;
	return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
