/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/kallsyms: this kernel's, ones made up, and ones made to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/kallsyms.h"

static struct kallsyms *read_bytes(const char *bytes, size_t size)
{
	char path[] = "/tmp/kallsyms_test.XXXXXX";
	int fd = mkstemp(path);
	struct kallsyms *k;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	assert_int_equal(kallsyms_read(path, &k), 0);
	unlink(path);
	return k;
}

static struct kallsyms *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void expect(const struct kallsyms *k, uint64_t address, const char *function,
		   const char *module)
{
	const char *f = NULL, *m = NULL;

	if (kallsyms_find(k, address, &f, &m) != (function != NULL))
		fail_msg("0x%" PRIx64 " is %s", address, f ? f : "not found");
	if (!function)
		return;
	assert_string_equal(f, function);
	assert_string_equal(m, module);
}

static void functions_and_modules(void **state)
{
	struct kallsyms *k = read_text("ffffffff81000100 T second\n"
				       "ffffffff81000000 T first\n"
				       "ffffffff81000200 r read_only\n"
				       "ffffffffc0000000 t init\t[ext4]\n"
				       "ffffffffc0000080 t init\t[xfs]\n"
				       "ffffffffc0000100 w weak\t[xfs]\n");

	(void)state;
	assert_int_equal(kallsyms_count(k), 5);
	assert_false(kallsyms_hidden(k));
	expect(k, 0xffffffff80ffffff, NULL, NULL);
	expect(k, 0xffffffff81000000, "first", "vmlinux");
	expect(k, 0xffffffff810000ff, "first", "vmlinux");
	expect(k, 0xffffffff81000100, "second", "vmlinux");
	expect(k, 0xffffffff810001ff, "second", "vmlinux");
	/* data ends the function before it and is none */
	expect(k, 0xffffffff81000200, NULL, NULL);
	expect(k, 0xffffffffbfffffff, NULL, NULL);
	expect(k, 0xffffffffc000007f, "init", "ext4");
	expect(k, 0xffffffffc0000080, "init", "xfs");
	expect(k, 0xffffffffc0000100, "weak", "xfs");
	expect(k, 0xffffffffc0000100 + (1 << 20) - 1, "weak", "xfs");
	/* what lies far behind the last symbol is not its code */
	expect(k, 0xffffffffc0000100 + (1 << 20), NULL, NULL);
	expect(k, UINT64_MAX, NULL, NULL);
	expect(k, 0, NULL, NULL);
	kallsyms_free(k);
}

static void one_name_at_an_address(void **state)
{
	struct kallsyms *k = read_text("ffffffff81000000 W weak_alias\n"
				       "ffffffff81000000 t local\n"
				       "ffffffff81000000 r data\n"
				       "ffffffff81000000 T global\n"
				       "ffffffff81000000 T later\n"
				       "ffffffff81000010 d data\n"
				       "ffffffff81000010 t code\n");

	(void)state;
	assert_int_equal(kallsyms_count(k), 2);
	expect(k, 0xffffffff81000008, "global", "vmlinux");
	expect(k, 0xffffffff81000018, "code", "vmlinux");
	kallsyms_free(k);
}

static void same_text_is_same_pointer(void **state)
{
	struct kallsyms *k = read_text("ffffffff81000000 t twice\nffffffff81000100 t twice\n");
	const char *f[2], *m[2];

	(void)state;
	assert_true(kallsyms_find(k, 0xffffffff81000001, &f[0], &m[0]));
	assert_true(kallsyms_find(k, 0xffffffff81000101, &f[1], &m[1]));
	assert_ptr_equal(f[0], f[1]);
	assert_ptr_equal(m[0], m[1]);
	kallsyms_free(k);
}

static void zeros_are_hidden(void **state)
{
	struct kallsyms *k = read_text("0000000000000000 T first\n0000000000000000 t second\n"
				       "0000000000000000 D data\n");

	(void)state;
	assert_true(kallsyms_hidden(k));
	assert_int_equal(kallsyms_count(k), 0);
	expect(k, 0xffffffff81000000, NULL, NULL);
	kallsyms_free(k);
	k = read_text("");
	assert_false(kallsyms_hidden(k));
	kallsyms_free(k);
	/* per-CPU data is at 0 on every kernel */
	k = read_text("0000000000000000 A fixed_percpu_data\nffffffff81000000 T first\n");
	assert_false(kallsyms_hidden(k));
	assert_int_equal(kallsyms_count(k), 1);
	kallsyms_free(k);
}

static void hostile_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
	    "\n",
	    " ffffffff81000000 T leading_blank\n",
	    "-1 T negative\n",
	    "+5 T plus\n",
	    "0xffffffff81000000\n",
	    "ffffffff81000000\n",
	    "ffffffff81000000 \n",
	    "ffffffff81000000 T\n",
	    "ffffffff81000000 T \n",
	    "ffffffff81000000 T\tname\n",
	    "ffffffff81000000 TT name\n",
	    "ffffffff81000000 7 name\n",
	    "ffffffff81000000  T name\n",
	    "ffffffff81000000T name\n",
	    "fffffffffffffffff T too_long\n",
	    "zzz T no_number\n",
	    "T name ffffffff81000000\n",
	};
	static const char odd[] = "ffffffff81000000 T a\0b\n"
				  "ffffffff81000010 T c\033[1m\t[un\n"
				  "ffffffff81000020 T d\t[]\n"
				  "ffffffff81000030 T e x [m]\n"
				  "ffffffff81000040 T f";
	struct kallsyms *k;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		k = read_text(lines[i]);
		if (kallsyms_count(k) || kallsyms_hidden(k))
			fail_msg("taken: '%s'", lines[i]);
		expect(k, 0xffffffff81000000, NULL, NULL);
		kallsyms_free(k);
	}
	/* NUL, control characters, brackets that do not match, no newline at the end */
	k = read_bytes(odd, sizeof(odd) - 1);
	expect(k, 0xffffffff81000000, "a", "vmlinux");
	expect(k, 0xffffffff81000010, "c\033[1m", "un");
	expect(k, 0xffffffff81000020, "d", "vmlinux");
	expect(k, 0xffffffff81000030, "e", "vmlinux");
	expect(k, 0xffffffff81000040, "f", "vmlinux");
	kallsyms_free(k);
}

static void long_names_are_kept(void **state)
{
	size_t length = 1 << 20;
	char *text = malloc(length + 64);
	const char *f, *m;
	struct kallsyms *k;
	int n;

	(void)state;
	assert_non_null(text);
	n = sprintf(text, "ffffffff81000000 T ");
	memset(text + n, 'x', length);
	strcpy(text + n + length, "\t[m]\n");
	k = read_text(text);
	assert_true(kallsyms_find(k, 0xffffffff81000000, &f, &m));
	assert_int_equal(strlen(f), length);
	assert_string_equal(m, "m");
	kallsyms_free(k);
	free(text);
}

static void no_file(void **state)
{
	struct kallsyms *k;

	(void)state;
	assert_int_equal(kallsyms_read("/nonexistent/kallsyms", &k), -ENOENT);
	kallsyms_free(k);
	kallsyms_free(NULL);
}

/* Each function of the running kernel is found at its own address by grep's reading. */
static void this_kernel(void **state)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[1024], type, name[512];
	size_t checked = 0;
	struct kallsyms *k;
	uint64_t address;

	(void)state;
	assert_non_null(file);
	assert_int_equal(kallsyms_read("/proc/kallsyms", &k), 0);
	if (kallsyms_hidden(k)) {
		kallsyms_free(k);
		fclose(file);
		skip();
	}
	while (fgets(line, sizeof(line), file)) {
		const char *f, *m;

		if (sscanf(line, "%" SCNx64 " %c %511s", &address, &type, name) != 3 ||
		    !strchr("tT", type) || strchr(line, '['))
			continue;
		if (!kallsyms_find(k, address, &f, &m))
			fail_msg("%s is not found", name);
		checked += !strcmp(f, name);
	}
	/* the others share their address with one that goes first */
	assert_in_range(checked, kallsyms_count(k) * 9 / 10, kallsyms_count(k));
	kallsyms_free(k);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(functions_and_modules),
	    cmocka_unit_test(one_name_at_an_address),
	    cmocka_unit_test(same_text_is_same_pointer),
	    cmocka_unit_test(zeros_are_hidden),
	    cmocka_unit_test(hostile_lines_are_passed_over),
	    cmocka_unit_test(long_names_are_kept),
	    cmocka_unit_test(no_file),
	    cmocka_unit_test(this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
