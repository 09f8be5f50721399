/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Line tables: hand-made ones of each form, and those that the Pythons at hand
 * make of their own library, compared instruction by instruction with what
 * their PyCode_Addr2Line() says, which is what a traceback shows.
 */
#include "python_workshop.h"

#include "python.h"
#include "unwind/python_lines.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define START MS_PYTHON_UNIT_START

struct expected {
	uint32_t unit;
	unsigned line;
};

static void check(unsigned minor, int first, const char *bytes, size_t size,
		  const struct expected *expected, size_t count)
{
	/* Exactly as large as it is, so that the sanitizers see every step too far. */
	struct python_lines lines = {.minor = minor, .first = first, .size = size};
	size_t i;

	lines.table = malloc(size ? size : 1);
	assert_non_null(lines.table);
	memcpy(lines.table, bytes, size);
	for (i = 0; i < count; i++)
		if (python_lines_find(&lines, expected[i].unit) != expected[i].line)
			fail_msg("3.%u unit %u: line %u, not %u", minor, expected[i].unit,
				 python_lines_find(&lines, expected[i].unit), expected[i].line);
	free(lines.table);
}

#define CHECK(minor, first, bytes, ...)                                                            \
	do {                                                                                       \
		const struct expected list[] = {__VA_ARGS__};                                      \
		check(minor, first, bytes, sizeof(bytes) - 1, list, COUNT(list));                  \
	} while (0)

static void test_lnotab(void **state)
{
	(void)state;
	CHECK(9, 7, "", {0, 7}, {50, 7}, {START, 7});
	/* bytes 0-3: 11, 4-7: 10, from 8 on: 210, in two steps */
	CHECK(9, 10, "\x00\x01\x04\xff\x04\x7f\x00\x49", {0, 11}, {1, 11}, {2, 10}, {3, 10},
	      {4, 210}, {1000, 210}, {START, 10});
	/* an odd byte at the end, a line below 1 */
	CHECK(9, 1, "\x02\xfe\x02", {0, 1}, {1, 0}, {2, 0});
}

static void test_ranges(void **state)
{
	(void)state;
	/* 3 units of line 5, 1 without a line, an empty range, 2 of line 16 */
	CHECK(10, 5, "\x06\x00\x02\x80\x00\x0a\x04\x01", {0, 5}, {2, 5}, {3, 0}, {4, 16}, {5, 16},
	      {6, 0}, {START, 5});
	CHECK(10, 5, "\x06", {0, 0}, {START, 5});
}

static void test_locations(void **state)
{
	(void)state;
	/* short form, 2 units; one line further, 1; none, 3; no columns, -5; long, +70 */
	CHECK(11, 100,
	      "\x81\x12"
	      "\xd8\x01\x02"
	      "\xfa"
	      "\xe8\x0b"
	      "\xf7\x4c\x02\x00\x01\x02",
	      {0, 100}, {1, 100}, {2, 101}, {3, 0}, {5, 0}, {6, 96}, {7, 166}, {14, 166}, {15, 0},
	      {START, 100});
	/* ends inside a number, which never ends; a table that starts in an entry */
	CHECK(11, 3, "\xe8\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", {1, 0}, {START, 3});
	CHECK(12, 3, "\x01\x02\x80\x00", {0, 3}, {1, 3}, {2, 3}, {3, 0});
	CHECK(13, 3, "", {0, 0}, {START, 3});
}

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n;
	unsigned byte;

	for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = (uint8_t)byte;
	return n;
}

/* Compares one code object; returns how many instructions. */
static size_t compare(unsigned minor, char *code, char *expected)
{
	struct python_lines lines = {.minor = minor};
	uint32_t unit = START;
	size_t count = 0;
	char *text = strchr(code + 5, ' '), *word, *rest = expected + 6;

	assert_non_null(text);
	lines.first = atoi(code + 5);
	lines.table = malloc(strlen(text));
	assert_non_null(lines.table);
	lines.size = from_hex(text + 1, lines.table);
	while ((word = strsep(&rest, " \n")) && *word) {
		if (python_lines_find(&lines, unit) != strtoul(word, NULL, 10))
			fail_msg("3.%u, %.100s: unit %u has line %u, not %s", minor, code, unit,
				 python_lines_find(&lines, unit), word);
		unit = unit == START ? 0 : unit + 1;
		count++;
	}
	free(lines.table);
	return count;
}

static void compare_python(const char *path)
{
	char command[2 * PATH_MAX], *code = NULL, *lines = NULL;
	size_t code_room = 0, lines_room = 0, units = 0, codes = 0;
	unsigned minor = python_minor(path);
	FILE *out;

	snprintf(command, sizeof(command), "'%s' '%s/python_lines.py'", path, python_scripts);
	out = popen(command, "r");
	assert_non_null(out);
	while (getline(&code, &code_room, out) > 0 && getline(&lines, &lines_room, out) > 0) {
		units += compare(minor, code, lines);
		codes++;
	}
	free(code);
	free(lines);
	assert_int_equal(pclose(out), 0);
	assert_true(codes > 1000 && units > 40000);
	print_message("%s (3.%u): %zu instructions of %zu code objects\n", path, minor, units,
		      codes);
}

static void test_library(void **state)
{
	struct pythons all;
	size_t i;

	(void)state;
	pythons_find(&all);
	if (!all.count)
		skip();
	for (i = 0; i < all.count; i++)
		compare_python(all.path[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lnotab),
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_locations),
	    cmocka_unit_test(test_library),
	};

	python_scripts_find(__FILE__);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
