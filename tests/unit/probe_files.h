/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of user/probe/elf.c: a directory of their own, files built in
 * it, and what must hold for every answer.  Each program has its own copy.
 */
#ifndef TEST_PROBE_FILES_H
#define TEST_PROBE_FILES_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/elf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char dir[] = "/tmp/probe_elf_test.XXXXXX";
static struct probe_table table;

static inline const char *in_dir(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *name, const char *text)
{
	write_file(in_dir(name), text, strlen(text));
}

/*
 * Whether a file with all of them has a function of the row: a tracepoint's is in its notes, and
 * what stands in for others does so where those are not there.
 */
static inline bool is_function(size_t row)
{
	return !probe_row_is_usdt(&table.rows[row]) && table.rows[row].part != PART_STAND_IN &&
	       table.rows[row].part != PART_STAND_IN_FREE;
}

static inline size_t function_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < table.count; i++)
		count += is_function(i);
	return count;
}

/* Runs a command in the test's directory; 0 if it succeeded. */
__attribute__((format(printf, 1, 2))) static inline int run(const char *format, ...)
{
	char command[2048];
	va_list args;
	int n = snprintf(command, sizeof(command), "cd '%s' && ", dir);

	va_start(args, format);
	vsnprintf(command + n, sizeof(command) - n, format, args);
	va_end(args);
	return system(command);
}

/* Takes the return instructions out (probe_ret_test.c looks at those): entries are left. */
static inline void keep_entries(int fd, struct elf_file *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->hit_count; i++) {
		uint8_t code[2] = {0};

		if (!file->hits[i].is_return) {
			file->hits[kept++] = file->hits[i];
			continue;
		}
		assert_true(pread(fd, code, sizeof(code), file->hits[i].offset) >= 1);
		assert_true(code[0] == 0xc3 || code[0] == 0xc2 || code[1] == 0xc3);
	}
	file->hit_count = kept;
	assert_true(file->function_count <= kept);
}

static inline int scan_as(const char *path, const char *name, const struct probe_table *rows,
			  struct elf_file *file, char *errbuf, size_t errlen)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	assert_true(fd >= 0);
	if (errlen)
		errbuf[0] = '\0';
	err = elf_scan(fd, name, rows, file, errbuf, errlen);
	/* It is the caller's, still, and not moved. */
	assert_true(fcntl(fd, F_GETFD) >= 0);
	if (err == 0) {
		assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
		keep_entries(fd, file);
	}
	close(fd);
	return err;
}

static inline struct elf_file scan(const char *path)
{
	struct elf_file file;
	char errbuf[200];

	if (scan_as(path, path, &table, &file, errbuf, sizeof(errbuf)))
		fail_msg("%s: %s", path, errbuf);
	return file;
}

/* What must hold for the hits of every file. */
static inline void check_hits(const struct elf_file *file, uint64_t size)
{
	for (size_t i = 0; i < file->hit_count; i++) {
		const struct elf_hit *hit = &file->hits[i];

		assert_true(hit->row < table.count);
		assert_true(hit->function <= hit->offset && hit->offset - hit->function < 64);
		assert_true(hit->offset < size);
		assert_non_null(hit->reason);
		if (i)
			assert_true(file->hits[i - 1].offset < hit->offset);
	}
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Functions that do something, so that none is a mere jump to another. */
static const char source[] =
    "#include <stddef.h>\n"
    "static char pool[1 << 16]; static size_t used;\n"
    "void *take(size_t n) { used += n; return pool + used; }\n"
    "#define F(name) void *name(size_t a, size_t b, size_t c) \\\n"
    "  { void *p = take(a + b + c); used ^= sizeof(#name) + __LINE__; return p; }\n";

static inline int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	write_text("f.h", source);
	return probe_table_init(&table);
}

static inline int group_teardown(void **state)
{
	(void)state;
	probe_table_free(&table);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
