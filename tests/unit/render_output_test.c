/* SPDX-License-Identifier: GPL-2.0 */
/* Output files: the format by its suffix, written whole or not at all. */
#include "render_workshop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory of its own, and a path in it. */
struct place {
	char directory[64];
	char path[96];
};

/* Where the test that runs has its directory, so that it goes also if the test fails. */
static char to_remove[64];

static struct place place_make(const char *name)
{
	struct place place = {.directory = "/tmp/render_output_test.XXXXXX"};

	assert_non_null(mkdtemp(place.directory));
	snprintf(place.path, sizeof(place.path), "%s/%s", place.directory, name);
	memcpy(to_remove, place.directory, sizeof(to_remove));
	return place;
}

/* Removes a directory and the files in it; how many there were. */
static unsigned empty_and_remove(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	while (directory && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory)
		closedir(directory);
	rmdir(path);
	return count;
}

/* Files that were in the directory, which is gone then. */
static unsigned place_end(const struct place *place)
{
	unsigned count = empty_and_remove(place->directory);

	assert_int_equal(access(place->directory, F_OK), -1);
	to_remove[0] = 0;
	return count;
}

static int clean_up(void **state)
{
	(void)state;
	if (to_remove[0])
		empty_and_remove(to_remove);
	to_remove[0] = 0;
	return 0;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_text(const char *path, const char *expected)
{
	char text[256] = {0};
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) < sizeof(text) - 1);
	fclose(file);
	assert_string_equal(text, expected);
}

/* ---- what is rendered here ------------------------------------------------------- */

static int render_good(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	(void)o;
	fprintf(out, "title %s\n", s->title);
	return 0;
}

static int render_failing(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	(void)s;
	(void)o;
	fputs("half of it", out);
	return -ENOMEM;
}

/* More than a stream holds back; says so as all outputs do. */
static int render_large(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	(void)s;
	(void)o;
	for (int i = 0; i < 1 << 20; i++)
		fputc('x', out);
	return ferror(out) ? -EIO : 0;
}

static int render_small(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	(void)s;
	(void)o;
	fputc('x', out);
	return 0;
}

static const struct snapshot shot = {.title = "t"};
static const struct render_options options;

/* ---- formats ------------------------------------------------------------------------ */

static void suffixes_choose_the_format(void **state)
{
	(void)state;
	assert_ptr_equal(output_find("a.folded")->render, render_folded);
	assert_ptr_equal(output_find("/x/y.z/a.svg")->render, render_flame);
	assert_ptr_equal(output_find("a.b.json")->render, render_json);
	assert_null(output_find(""));
	assert_null(output_find("a"));
	assert_null(output_find("a.txt"));
	assert_null(output_find("json"));
	assert_null(output_find(".json"));
	assert_null(output_find("a.svg/"));
	assert_string_equal(output_suffixes(), ".folded .svg .json");
	assert_string_equal(output_suffixes(), ".folded .svg .json");
}

/* ---- regular files --------------------------------------------------------------------- */

static void a_file_appears_whole(void **state)
{
	struct place place = place_make("a.svg");
	mode_t before = umask(027);
	struct stat st;

	(void)state;
	assert_int_equal(output_check(place.path), 0);
	assert_int_equal(access(place.path, F_OK), -1);
	assert_int_equal(output_write(place.path, render_good, &shot, &options), 0);
	umask(before);
	expect_text(place.path, "title t\n");
	assert_int_equal(stat(place.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(output_check(place.path), 0);
	expect_text(place.path, "title t\n");
	assert_int_equal(place_end(&place), 1);
}

static void a_failure_leaves_the_old_file(void **state)
{
	struct place place = place_make("a.svg");

	(void)state;
	write_text(place.path, "old");
	assert_int_equal(output_write(place.path, render_failing, &shot, &options), -ENOMEM);
	expect_text(place.path, "old");
	assert_int_equal(output_write(place.path, render_good, &shot, &options), 0);
	expect_text(place.path, "title t\n");
	assert_int_equal(place_end(&place), 1);
	place = place_make("new.svg");
	assert_int_equal(output_write(place.path, render_failing, &shot, &options), -ENOMEM);
	assert_int_equal(place_end(&place), 0);
}

static void a_path_without_a_directory_is_here(void **state)
{
	struct place place = place_make("a.svg");
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(here >= 0);
	assert_int_equal(chdir(place.directory), 0);
	assert_int_equal(output_check("a.svg"), 0);
	assert_int_equal(output_write("a.svg", render_good, &shot, &options), 0);
	assert_int_equal(fchdir(here), 0);
	close(here);
	expect_text(place.path, "title t\n");
	assert_int_equal(place_end(&place), 1);
}

static void a_link_stays_a_link(void **state)
{
	struct place place = place_make("link.svg");
	char target[128];
	struct stat st;

	(void)state;
	snprintf(target, sizeof(target), "%s/target.svg", place.directory);
	assert_int_equal(symlink("target.svg", place.path), 0);
	/* it leads nowhere yet */
	assert_int_equal(output_check(place.path), -ENOENT);
	assert_int_equal(output_write(place.path, render_good, &shot, &options), -ENOENT);
	write_text(target, "old");
	assert_int_equal(output_check(place.path), 0);
	assert_int_equal(output_write(place.path, render_good, &shot, &options), 0);
	expect_text(target, "title t\n");
	assert_int_equal(lstat(place.path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(place_end(&place), 2);
}

static void errors_are_told_apart(void **state)
{
	struct place place = place_make("file");
	char path[512], longest[400];

	(void)state;
	write_text(place.path, "");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(output_check(""), -ENOENT);
	assert_int_equal(output_check(place.directory), -EISDIR);
	assert_int_equal(output_write(place.directory, render_good, &shot, &options), -EISDIR);
	snprintf(path, sizeof(path), "%s/none/a.svg", place.directory);
	assert_int_equal(output_check(path), -ENOENT);
	assert_int_equal(output_write(path, render_good, &shot, &options), -ENOENT);
	snprintf(path, sizeof(path), "%s/new.svg/", place.directory);
	assert_int_equal(output_check(path), -EISDIR);
	snprintf(path, sizeof(path), "%s/file/a.svg", place.directory);
	assert_int_equal(output_check(path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/%s", place.directory, longest);
	assert_int_equal(output_check(path), -ENAMETOOLONG);
	assert_int_equal(place_end(&place), 1);
}

/* Runs `work` in a child, so that what it changes goes with it; its exit status. */
static int in_child(int (*work)(const char *directory), const char *directory)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(work(directory));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define SKIP 77

static int refused(const char *directory)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/a.svg", directory);
	/* root may write anywhere */
	if (!geteuid() && seteuid(65534))
		return SKIP;
	return output_check(path) != -EACCES ||
	       output_write(path, render_good, &shot, &options) != -EACCES;
}

static void a_directory_may_refuse(void **state)
{
	struct place place = place_make("a.svg");
	int status;

	(void)state;
	assert_int_equal(chmod(place.directory, 0555), 0);
	status = in_child(refused, place.directory);
	assert_int_equal(chmod(place.directory, 0755), 0);
	assert_int_equal(place_end(&place), 0);
	if (status == SKIP)
		skip();
	assert_int_equal(status, 0);
}

/* ---- full disks ------------------------------------------------------------------------- */

static void a_full_device_is_reported(void **state)
{
	(void)state;
	assert_int_equal(output_check("/dev/full"), 0);
	assert_int_equal(output_write("/dev/full", render_small, &shot, &options), -ENOSPC);
	assert_int_equal(output_write("/dev/full", render_large, &shot, &options), -ENOSPC);
}

/* Each step that fails has a number: an assertion here would not end the child. */
static int full_disk(const char *directory)
{
	char path[96], filler[96], block[4096] = {0};
	struct dirent *entry;
	unsigned names = 0;
	DIR *names_of;
	FILE *file;
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", directory, "tmpfs", 0, "size=64k"))
		return SKIP;
	snprintf(path, sizeof(path), "%s/a.svg", directory);
	snprintf(filler, sizeof(filler), "%s/filler", directory);
	file = fopen(path, "w");
	if (!file || fputs("old", file) < 0 || fclose(file))
		return 1;
	/* there is some room, but not enough */
	if (output_check(path) || output_write(path, render_large, &shot, &options) != -ENOSPC)
		return 2;
	/* what was half written has made room again */
	if (output_write(path, render_good, &shot, &options))
		return 3;
	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	if (output_check(path) != -ENOSPC)
		return 4;
	if (output_write(path, render_small, &shot, &options) != -ENOSPC)
		return 5;
	file = fopen(path, "r");
	if (!file || !fgets(block, sizeof(block), file) || strcmp(block, "title t\n"))
		return 6;
	fclose(file);
	names_of = opendir(directory);
	while (names_of && (entry = readdir(names_of)))
		names += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(names_of);
	/* the mount goes with this process */
	return names == 2 ? 0 : 7;
}

static void a_full_disk_is_reported(void **state)
{
	struct place place = place_make("a.svg");
	int status = in_child(full_disk, place.directory);

	(void)state;
	assert_int_equal(place_end(&place), 0);
	if (status == SKIP)
		skip();
	assert_int_equal(status, 0);
}

static int read_only_disk(const char *directory)
{
	char path[96];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", directory, "tmpfs", MS_RDONLY, NULL))
		return SKIP;
	snprintf(path, sizeof(path), "%s/a.svg", directory);
	return output_check(path) != -EROFS ||
	       output_write(path, render_good, &shot, &options) != -EROFS;
}

static void a_read_only_disk_is_reported(void **state)
{
	struct place place = place_make("a.svg");
	int status = in_child(read_only_disk, place.directory);

	(void)state;
	assert_int_equal(place_end(&place), 0);
	if (status == SKIP)
		skip();
	assert_int_equal(status, 0);
}

/* ---- what is no regular file -------------------------------------------------------------- */

static void devices_are_written_to(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(output_check("/dev/null"), 0);
	assert_int_equal(output_write("/dev/null", render_large, &shot, &options), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void fifos_are_written_to(void **state)
{
	struct place place = place_make("fifo.svg");
	char text[32] = {0};
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(place.path, 0600), 0);
	fd = open(place.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(output_check(place.path), 0);
	assert_int_equal(output_write(place.path, render_good, &shot, &options), 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 8);
	assert_string_equal(text, "title t\n");
	close(fd);
	assert_int_equal(lstat(place.path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(place_end(&place), 1);
}

static void descriptors_are_written_to(void **state)
{
	int fd = memfd_create("out", MFD_CLOEXEC), out = dup(STDOUT_FILENO), error;
	char path[32], text[64] = {0};

	(void)state;
	assert_true(fd >= 0 && out >= 0);
	assert_int_equal(write(fd, "before\n", 7), 7);
	/* goes on where the descriptor stands, and leaves it open */
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	assert_int_equal(output_check(path), 0);
	assert_int_equal(output_write(path, render_good, &shot, &options), 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	error = output_write("/dev/stdout", render_good, &shot, &options);
	dup2(out, STDOUT_FILENO);
	assert_int_equal(error, 0);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "before\ntitle t\ntitle t\n");
	close(fd);
	close(out);
	assert_int_equal(output_check(path), -EBADF);
	assert_int_equal(output_write(path, render_good, &shot, &options), -EBADF);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(suffixes_choose_the_format, clean_up),
	    cmocka_unit_test_teardown(a_file_appears_whole, clean_up),
	    cmocka_unit_test_teardown(a_failure_leaves_the_old_file, clean_up),
	    cmocka_unit_test_teardown(a_path_without_a_directory_is_here, clean_up),
	    cmocka_unit_test_teardown(a_link_stays_a_link, clean_up),
	    cmocka_unit_test_teardown(errors_are_told_apart, clean_up),
	    cmocka_unit_test_teardown(a_directory_may_refuse, clean_up),
	    cmocka_unit_test_teardown(a_full_device_is_reported, clean_up),
	    cmocka_unit_test_teardown(a_full_disk_is_reported, clean_up),
	    cmocka_unit_test_teardown(a_read_only_disk_is_reported, clean_up),
	    cmocka_unit_test_teardown(devices_are_written_to, clean_up),
	    cmocka_unit_test_teardown(fifos_are_written_to, clean_up),
	    cmocka_unit_test_teardown(descriptors_are_written_to, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
