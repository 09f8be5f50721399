/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/maps as it really is: this process maps odd files and reads them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/mappings.h"

#define PAGE 4096

/* Maps two pages of a new file with this name, executable, from its second page. */
static void *map_file(const char *path, struct stat *st)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0700);
	void *at;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 3 * PAGE), 0);
	assert_int_equal(fstat(fd, st), 0);
	at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PAGE);
	assert_true(at != MAP_FAILED);
	close(fd);
	return at;
}

static void check_file(const char *name, bool delete, const char *shown)
{
	char directory[] = "/tmp/mappings-test-XXXXXX", path[256], wanted[256];
	const struct mapping *m;
	struct mappings maps;
	struct stat st;
	void *at;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(wanted, sizeof(wanted), "%s/%s", directory, shown);
	at = map_file(path, &st);
	if (delete)
		unlink(path);
	assert_int_equal(mappings_read(getpid(), &maps), 0);
	m = mappings_find(&maps, (uintptr_t)at + PAGE + 17);
	assert_non_null(m);
	assert_int_equal(m->start, (uintptr_t)at);
	assert_int_equal(m->end, (uintptr_t)at + 2 * PAGE);
	assert_int_equal(m->offset, PAGE);
	assert_int_equal(m->inode, st.st_ino);
	assert_string_equal(m->path, wanted);
	mappings_free(&maps);
	munmap(at, 2 * PAGE);
	unlink(path);
	rmdir(directory);
}

static void test_files(void **state)
{
	(void)state;
	check_file("plain.so", false, "plain.so");
	check_file("with blank.so", false, "with blank.so");
	check_file("gone.so", true, "gone.so");
	check_file("new\nline", false, "new\\012line");
}

static void test_own_code(void **state)
{
	const struct mapping *m;
	struct mappings maps;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t i;

	(void)state;
	assert_true(n > 0);
	exe[n] = '\0';
	assert_int_equal(mappings_read(getpid(), &maps), 0);
	m = mappings_find(&maps, (uintptr_t)test_own_code);
	assert_non_null(m);
	assert_string_equal(m->path, exe);
	assert_null(mappings_find(&maps, 0));
	assert_null(mappings_find(&maps, (uintptr_t)&maps)); /* the stack is no code */
	for (i = 1; i < maps.count; i++)
		assert_true(maps.items[i - 1].end <= maps.items[i].start);
	mappings_free(&maps);
}

static void test_executable_memory_without_a_file(void **state)
{
	struct mappings maps;
	void *at;

	(void)state;
	assert_int_equal(mappings_read(getpid(), &maps), 0);
	assert_false(maps.anonymous);
	mappings_free(&maps);
	at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	assert_int_equal(mappings_read(getpid(), &maps), 0);
	assert_true(maps.anonymous);
	assert_null(mappings_find(&maps, (uintptr_t)at));
	mappings_free(&maps);
	munmap(at, PAGE);
}

static void test_no_such_process(void **state)
{
	struct mappings maps;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(mappings_read(pid, &maps), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_own_code),
	    cmocka_unit_test(test_executable_memory_without_a_file),
	    cmocka_unit_test(test_no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
