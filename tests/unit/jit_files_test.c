/* SPDX-License-Identifier: GPL-2.0 */
/* Where JITs' files are looked for, and which are refused. */
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
#include <time.h>
#include <unistd.h>

#include "target/jitfiles.h"

#define PID 77

struct place {
	char directory[64];
	struct jit_files files;
};

static struct place place_new(void)
{
	struct place p = {
	    .directory = "/tmp/jit-files-test-XXXXXX",
	    .files = {.pid = PID, .uids = {getuid(), geteuid()}, .map = -1, .dump = -1}};

	assert_non_null(mkdtemp(p.directory));
	p.files.tmp = open(p.directory, O_PATH | O_DIRECTORY);
	p.files.cwd = open(p.directory, O_PATH | O_DIRECTORY);
	assert_true(p.files.tmp >= 0 && p.files.cwd >= 0);
	return p;
}

static const char *in(const struct place *p, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	return path;
}

static void make(const struct place *p, const char *name, const char *text)
{
	FILE *file = fopen(in(p, name), "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void place_free(struct place *p)
{
	jit_files_free(&p->files);
	unlink(in(p, "perf-77.map"));
	unlink(in(p, "jit-77.dump"));
	unlink(in(p, "other"));
	rmdir(in(p, "perf-77.map"));
	assert_int_equal(rmdir(p->directory), 0);
}

static void reads(int fd, const char *text)
{
	char buffer[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(read(fd, buffer, sizeof(buffer) - 1), strlen(text));
	assert_string_equal(buffer, text);
	close(fd);
}

static void found_by_name(void **state)
{
	struct place p = place_new();

	(void)state;
	assert_int_equal(jit_files_open_map(&p.files), -ENOENT);
	assert_int_equal(jit_files_open_dump(&p.files), -ENOENT);
	make(&p, "perf-77.map", "map");
	make(&p, "jit-77.dump", "dump");
	reads(jit_files_open_map(&p.files), "map");
	reads(jit_files_open_dump(&p.files), "dump");
	place_free(&p);
}

static void kept_after_the_end(void **state)
{
	struct place p = place_new();

	(void)state;
	make(&p, "perf-77.map", "map");
	jit_files_end(&p.files);
	assert_int_equal(p.files.tmp, -1);
	assert_int_equal(p.files.cwd, -1);
	unlink(in(&p, "perf-77.map"));
	make(&p, "perf-77.map", "of the next process with this number");
	reads(jit_files_open_map(&p.files), "map");
	assert_int_equal(jit_files_open_dump(&p.files), -ENOENT);
	place_free(&p);
}

static void links_are_refused(void **state)
{
	struct place p = place_new();

	(void)state;
	assert_int_equal(symlink("/etc/passwd", in(&p, "perf-77.map")), 0);
	assert_true(jit_files_open_map(&p.files) < 0);
	unlink(in(&p, "perf-77.map"));
	make(&p, "other", "text");
	assert_int_equal(symlink("other", in(&p, "perf-77.map")), 0);
	assert_true(jit_files_open_map(&p.files) < 0);
	place_free(&p);
}

/* Nothing here may block: the test would hang. */
static void odd_files_are_refused(void **state)
{
	struct place p = place_new();

	(void)state;
	assert_int_equal(mkfifo(in(&p, "perf-77.map"), 0600), 0);
	assert_int_equal(jit_files_open_map(&p.files), -EACCES);
	unlink(in(&p, "perf-77.map"));
	assert_int_equal(mkdir(in(&p, "perf-77.map"), 0700), 0);
	assert_int_equal(jit_files_open_map(&p.files), -EACCES);
	place_free(&p);
}

static void files_of_others_are_refused(void **state)
{
	struct place p = place_new();

	(void)state;
	make(&p, "perf-77.map", "map");
	p.files.uids[0] = p.files.uids[1] = 54321;
	if (getuid()) {
		assert_int_equal(jit_files_open_map(&p.files), -EACCES);
		p.files.uids[1] = getuid();
		reads(jit_files_open_map(&p.files), "map");
	} else {
		reads(jit_files_open_map(&p.files), "map"); /* root's */
		assert_int_equal(chown(in(&p, "perf-77.map"), 12345, 0), 0);
		assert_int_equal(jit_files_open_map(&p.files), -EACCES);
		p.files.uids[1] = 12345;
		reads(jit_files_open_map(&p.files), "map");
	}
	place_free(&p);
}

/* Left by a process that had this number before. */
static void old_files_are_refused(void **state)
{
	struct place p = place_new();
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	(void)state;
	make(&p, "perf-77.map", "map");
	assert_int_equal(utimensat(AT_FDCWD, in(&p, "perf-77.map"), times, 0), 0);
	p.files.started_s = 900;
	reads(jit_files_open_map(&p.files), "map");
	p.files.started_s = 1100;
	assert_int_equal(jit_files_open_map(&p.files), -EACCES);
	place_free(&p);
}

/* This process, as it is. */
static void of_a_process(void **state)
{
	char name[64], path[160];
	struct mappings maps;
	struct place p = place_new();
	struct jit_files f;
	void *at;
	int fd;

	(void)state;
	jit_files_begin(&f, getpid());
	assert_int_equal(f.pid, getpid());
	assert_int_equal(f.uids[0], getuid());
	assert_true(f.started_s > time(NULL) - 3600 && f.started_s <= time(NULL) + 1);
	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "map", 3), 3);
	close(fd);
	reads(jit_files_open_map(&f), "map");
	unlink(name);

	/* A dump is wherever it is mapped from. */
	snprintf(path, sizeof(path), "%s/jit-%d.dump", p.directory, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "dump", 4), 4);
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	close(fd);
	assert_int_equal(mappings_read(getpid(), &maps), 0);
	jit_files_look(&f, getpid(), &maps);
	mappings_free(&maps);
	munmap(at, 4096);
	unlink(path);
	if (f.dump >= 0) /* map_files is root's */
		reads(jit_files_open_dump(&f), "dump");
	else
		assert_int_not_equal(getuid(), 0);
	jit_files_free(&f);
	place_free(&p);
}

static void of_no_process(void **state)
{
	struct jit_files f;

	(void)state;
	jit_files_begin(&f, 0x7ffffff0);
	assert_true(jit_files_open_map(&f) < 0);
	assert_true(jit_files_open_dump(&f) < 0);
	jit_files_end(&f);
	jit_files_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(found_by_name),
	    cmocka_unit_test(kept_after_the_end),
	    cmocka_unit_test(links_are_refused),
	    cmocka_unit_test(odd_files_are_refused),
	    cmocka_unit_test(files_of_others_are_refused),
	    cmocka_unit_test(old_files_are_refused),
	    cmocka_unit_test(of_a_process),
	    cmocka_unit_test(of_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
